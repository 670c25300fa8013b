"""`logging` in a function: configured before it can log, and still the function's to configure."""

from __future__ import annotations

import io
import json
import logging
import sys

import pytest

from tests.runtime.conftest import Start
from tests.runtime.differences import difference
from tests.runtime.fake_api import FakeRuntimeAPI, answer
from warmstart.runtime.imports import when_imported
from warmstart.runtime.logs import unbuffer


def said(api: FakeRuntimeAPI, start: Start, how: str, **variables: str) -> tuple[str, str]:
    running = start("logs_itself.handler", HOW=how, **variables)
    api.invoke()
    running.stop()
    return running.stdout, running.stderr


@difference("basic-config")
@pytest.mark.parametrize(
    ("how", "stdout", "stderr"),
    [
        ("{'level': 'INFO'}", r"[INFO]\tTIME\tid-1\thello\n", ""),
        ("{'format': '%(message)s!', 'level': 20}", "hello!\n", ""),
        ("{'format': '{message}?', 'style': '{', 'level': 20}", "hello?\n", ""),
        ("{'datefmt': '%Y', 'level': 20}", "INFO:root:hello\n", ""),
        ("{'stream': sys.stderr, 'level': 20}", "", "INFO:root:hello\n"),
        ("{'force': True, 'level': 20}", "", "INFO:root:hello\n"),
        ("{}", "", ""),
        ("{'format': '%(message)s'}", "", ""),
        (r"{'format': '%(message)s\n', 'level': 20}", "hello\n", ""),
    ],
)
def test_basic_config_does_what_it_says(
    api: FakeRuntimeAPI, start: Start, row: str, how: str, stdout: str, stderr: str
) -> None:
    out, err = said(api, start, how)
    if "TIME" in stdout:
        assert out.startswith("[INFO]\t2")
        assert out.endswith("Z\tid-1\thello\n")
    else:
        assert out == stdout
    assert err == stderr


def test_basic_config_leaves_json_as_it_is(api: FakeRuntimeAPI, start: Start) -> None:
    out, _ = said(api, start, "{'format': 'x', 'level': 20}", AWS_LAMBDA_LOG_FORMAT="JSON")
    assert json.loads(out)["message"] == "hello"


def test_records_at_import_are_logged_in_lambdas_form(api: FakeRuntimeAPI, start: Start) -> None:
    out, _ = said(api, start, "{}", AT_IMPORT="1")
    assert out.startswith("[WARNING]\t")
    assert out.endswith("Z\t\tat import\n")


def test_a_record_that_cannot_be_formatted_does_not_fail_the_function(
    api: FakeRuntimeAPI, start: Start
) -> None:
    _, err = said(api, start, "{}", BROKEN="1")
    assert "--- Logging error ---" in err


@pytest.mark.parametrize("level", ["TRACE", "debug", "FATAL", "nonsense"])
def test_the_level_comes_from_the_environment(
    api: FakeRuntimeAPI, start: Start, level: str
) -> None:
    start("logs_itself.level", AWS_LAMBDA_LOG_LEVEL=level)
    expected = {"TRACE": "DEBUG", "debug": "DEBUG", "FATAL": "CRITICAL", "nonsense": "WARNING"}
    assert json.loads(api.invoke().body) == expected[level]


def test_a_notice_of_the_runtimes_own_has_the_form_of_the_log(
    api: FakeRuntimeAPI, start: Start
) -> None:
    running = start("behaviours.handler", AWS_LAMBDA_LOG_FORMAT="JSON")
    tenant = {"Lambda-Runtime-Aws-Tenant-Id": "blue"}
    api.invoke(b'{"do": "echo"}', reply=answer(413), headers=tenant)
    api.invoke(b'{"do": "echo"}', reply=answer(413))
    api.wait_poll()
    running.stop()
    first, second = map(json.loads, running.stdout.splitlines())
    assert (first["level"], first["requestId"], first["tenantId"]) == ("WARNING", "id-1", "blue")
    assert first["message"].startswith("The service refused the response (413)")
    assert "tenantId" not in second


def test_streams_that_are_not_files_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    unbuffer()


# `when_imported`.


def test_what_is_imported_already_is_acted_on_at_once() -> None:
    done: list[int] = []
    when_imported("logging", lambda: done.append(1))
    assert done == [1]
    assert logging.__spec__ is not None


def test_other_modules_are_none_of_its_business(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.delitem(sys.modules, "this_is_missing", raising=False)
    when_imported("this_is_missing", lambda: done.append(1))
    import colorsys  # noqa: F401 - any module

    with pytest.raises(ModuleNotFoundError):
        import this_is_missing  # type: ignore[import-not-found] # noqa: F401
    assert done == []


def test_a_built_in_module_can_be_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    when_imported("colorsys", lambda: done.append(1))
    import colorsys

    assert done == [1]
    assert colorsys.rgb_to_hsv(0, 0, 0) == (0.0, 0.0, 0)
