"""What is built runs where Lambda would run it, and is the same each time."""

from __future__ import annotations

import marshal
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.bundle.wheels import write_wheel
from warmstart.bundle import zip as bundle
from warmstart.bundle.errors import BuildError
from warmstart.bundle.project import Project
from warmstart.bundle.target import Target
from warmstart.cli.commands import warmstart

THIS = Target(f"{sys.version_info.major}.{sys.version_info.minor}", "x86_64")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that depends on a package of a local index."""
    index = tmp_path / "index"
    write_wheel(
        index, "dependency", {"dependency/__init__.py": "", "dependency/tests/__init__.pyi": ""}
    )
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(index))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    root = tmp_path / "project"
    root.mkdir()
    (root / "main.py").write_text("import dependency\ndef handler(event, context): return event\n")
    (root / "requirements.txt").write_text("dependency\n")
    return root


@pytest.fixture
def build(root: Path, tmp_path: Path) -> Callable[..., Path]:
    def build(app: str = "main:handler", target: Target = THIS, name: str = "f.zip") -> Path:
        project = Project.find(app, root)
        output = tmp_path / name
        bundle.build_zip(project, target, output, project.requirements(), lambda _: None)
        return output

    return build


def names(archive: Path) -> set[str]:
    with zipfile.ZipFile(archive) as opened:
        return {name for name in opened.namelist() if "__pycache__" not in name}


def run(directory: Path, *lines: str) -> str:
    """What a Python that knows nothing but the standard library and a directory prints."""
    program = "; ".join(["import sys", "sys.path[:0] = [sys.argv[1]]", *lines])
    command = [sys.executable, "-I", "-S", "-c", program, str(directory)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_zip_holds_the_code_its_dependencies_and_what_runs_it(
    build: Callable[..., Path], tmp_path: Path
) -> None:
    archive = build()
    unpacked = tmp_path / "task"
    shutil.unpack_archive(archive, unpacked)

    said = run(
        unpacked,
        "import main, warmstart.runtime, warmstart.adapter",
        "from importlib.metadata import version",
        "print(main.handler(1, None), version('dependency'))",
    )

    found = names(archive)
    assert said == "1 1.0\n"
    assert {"main.py", "dependency/__init__.py", "warmstart/runtime/exec-wrapper"} <= found
    assert not any(name.startswith(("warmstart/service", "warmstart/cli")) for name in found)
    assert not any(name.endswith((".pyi", "RECORD", "INSTALLER")) for name in found)


def test_the_wrapper_can_be_executed_and_all_can_be_read(build: Callable[..., Path]) -> None:
    with zipfile.ZipFile(build()) as archive:
        modes = {entry.filename: entry.external_attr >> 16 & 0o777 for entry in archive.infolist()}

    assert modes["warmstart/runtime/exec-wrapper"] == 0o755
    assert modes["main.py"] == 0o644


def test_bytecode_is_there_and_names_the_files_where_lambda_has_them(
    build: Callable[..., Path], tmp_path: Path
) -> None:
    unpacked = tmp_path / "task"
    shutil.unpack_archive(build(), unpacked)
    # What Python imports is the bytecode: it does not look at the source.
    (unpacked / "main.py").write_text("raise SystemExit('the source was read')")
    assert run(unpacked, "import main", "print(main.handler(2, None))") == "2\n"
    (bytecode,) = (unpacked / "__pycache__").glob("main.*.pyc")
    assert marshal.loads(bytecode.read_bytes()[16:]).co_filename == "/var/task/main.py"


def test_the_same_project_gives_the_same_bytes_wherever_and_whenever_it_is_built(
    build: Callable[..., Path], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build(name="first.zip")
    os.utime(root / "main.py", (0, 10**9))
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    mask = os.umask(0o077)
    try:
        second = build(name="second.zip")
    finally:
        os.umask(mask)

    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(("architecture", "machine"), [("x86_64", "x86_64"), ("arm64", "aarch64")])
def test_wheels_are_those_of_the_targets_platform(
    build: Callable[..., Path], root: Path, tmp_path: Path, architecture: str, machine: str
) -> None:
    for name in ("x86_64", "aarch64"):
        tag = f"py3-none-manylinux_2_17_{name}"
        write_wheel(tmp_path / "index", "compiled", {"compiled.py": f"built_for = '{name}'"}, tag)
    (root / "requirements.txt").write_text("compiled\n")

    archive = build(target=Target(THIS.python, "arm64" if architecture == "arm64" else "x86_64"))

    with zipfile.ZipFile(archive) as opened:
        assert opened.read("compiled.py").decode() == f"built_for = '{machine}'"


def test_a_layer_has_the_dependencies_alone_where_python_looks_for_them(
    root: Path, tmp_path: Path
) -> None:
    output = tmp_path / "layer.zip"
    bundle.build_layer(THIS, output, root / "requirements.txt", lambda _: None)

    assert "python/dependency/__init__.py" in names(output)
    assert not any(name.endswith("main.py") for name in names(output))


def test_what_is_ignored_hidden_or_an_environment_is_left_out(
    build: Callable[..., Path], root: Path
) -> None:
    for name in ("data/a.json", ".env", ".git/HEAD", "venv/pyvenv.cfg", "venv/lib/b.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")

    found = names(build())

    assert "data/a.json" in found
    assert not any(name.startswith((".", "venv")) for name in found)


def test_what_git_ignores_is_left_out(build: Callable[..., Path], root: Path) -> None:
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    (root / ".gitignore").write_text("secret.txt\n")
    (root / "secret.txt").write_text("")
    (root / "new.txt").write_text("")

    found = names(build())

    assert "secret.txt" not in found
    assert {"main.py", "new.txt"} <= found


def test_code_may_lie_in_src(build: Callable[..., Path], root: Path) -> None:
    (root / "src" / "shop").mkdir(parents=True)
    (root / "src" / "shop" / "web.py").write_text("")

    assert "shop/web.py" in names(build("shop.web:app"))


@pytest.mark.parametrize(
    ("app", "message"),
    [
        ("main", "write module:attribute"),
        ("no-module:app", "write module:attribute"),
        ("absent:app", "There is no absent.py and no package absent"),
    ],
)
def test_an_app_that_is_not_there_is_said(root: Path, app: str, message: str) -> None:
    with pytest.raises(BuildError, match=message):
        Project.find(app, root)


@pytest.mark.parametrize("python", ["2.7", "3.10", "3", "4.0", "python3.13"])
def test_a_python_that_warmstart_does_not_run_on_is_refused(python: str) -> None:
    with pytest.raises(BuildError, match="is none to build for"):
        Target(python, "x86_64")


def test_a_dependency_that_cannot_be_had_is_said_in_uvs_words(
    build: Callable[..., Path], root: Path
) -> None:
    (root / "requirements.txt").write_text("not-in-the-index\n")

    with pytest.raises(
        BuildError, match=r"requirements.txt cannot be installed:\n(.|\n)*not-in-the-"
    ):
        build()


def test_without_uv_it_says_how_to_get_it(
    build: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    with pytest.raises(BuildError, match="uv is needed"):
        build()


def test_the_command_prints_sizes_and_the_functions_settings(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)

    done = CliRunner().invoke(warmstart, ["build", "zip", "main:handler"])

    assert done.exit_code == 0, done.output
    assert "function.zip: " in done.output
    assert "MB  dependency\n" in done.output
    assert f"Runtime {THIS.runtime}, architecture x86_64, handler main.handler." in done.output


def test_a_package_that_is_too_large_is_an_error_that_says_what_to_do(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    with (root / "zeros.bin").open("wb") as file:
        file.truncate(250 * 1024 * 1024)

    done = CliRunner().invoke(warmstart, ["build", "zip", "main:handler"])

    assert done.exit_code == 1
    assert "250.00 MB  zeros.bin" in done.output
    assert "or build an image" in done.output
