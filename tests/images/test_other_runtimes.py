"""Images whose runtime, or whose base, is not ours: any client of the Runtime API is served."""

from __future__ import annotations

import os
from pathlib import Path

import docker
import pytest

from tests.engine import BASE, PYTHON, engine, root
from tests.images.building import image, install, unpack_runtime
from tests.images.running import served

__all__ = ["engine", "root"]

pytestmark = [
    pytest.mark.usefixtures("root"),
    pytest.mark.timeout(120),
]

HANDLER = """\
def handler(event, context):
    if event == "fail":
        raise ValueError("as asked")
    return {"event": event, "name": context.function_name}
"""

BOOTSTRAP = """\
#!/bin/bash
# A custom runtime in a shell, by the sockets that bash has: there is no curl in its image.
set -eu
api=/2018-06-01/runtime/invocation
while exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API/://}"; do
    printf 'GET %s/next HTTP/1.1\\r\\nHost: api\\r\\n\\r\\n' "$api" >&3
    while IFS= read -r line <&3 && line=${line%$'\\r'} && [ -n "$line" ]; do
        case "${line,,}" in
            content-length:*) length=${line##* } ;;
            lambda-runtime-aws-request-id:*) id=${line##* } ;;
        esac
    done
    IFS= read -r -N "$length" event <&3
    answer="{\\"event\\": $event, \\"name\\": \\"$AWS_LAMBDA_FUNCTION_NAME\\"}"
    printf 'POST %s/%s/response HTTP/1.1\\r\\nHost: api\\r\\nContent-Length: %d\\r\\n\\r\\n%s' \\
        "$api" "$id" "${#answer}" "$answer" >&3
    read -r <&3
    exec 3>&-
done
"""


TAG = f"warmstart-test-other-{os.getpid()}"  # tests may run in several processes


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "app.py").write_text(HANDLER)
    return folder


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    """warmstart's runtime, as builds ship it."""
    packages = tmp_path / "packages"
    unpack_runtime(packages)
    return packages


async def test_the_runtime_of_aws_is_served(
    engine: docker.DockerClient, code: Path, tmp_path: Path
) -> None:
    packages = tmp_path / "packages"
    install(packages, "awslambdaric")
    dockerfile = f"""\
FROM {BASE}
ENV PYTHONPATH=/opt/python
WORKDIR /var/task
ENTRYPOINT ["python3", "-m", "awslambdaric"]
CMD ["app.handler"]
COPY packages/ /opt/python/
COPY code/ /var/task/
"""
    with image(engine, TAG, dockerfile, {"packages": packages, "code": code}):
        (kind, answer), (failed, error) = await served(TAG, "one", "fail")

    assert (kind, answer) == (None, {"event": "one", "name": "f"})
    assert failed == "Unhandled"
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "as asked")


async def test_a_bootstrap_that_is_a_shell_script_is_served(
    engine: docker.DockerClient, tmp_path: Path
) -> None:
    folder = tmp_path / "runtime"
    folder.mkdir()
    (folder / "bootstrap").write_text(BOOTSTRAP)
    (folder / "bootstrap").chmod(0o755)
    dockerfile = f"""\
FROM {BASE}
ENTRYPOINT ["/var/runtime/bootstrap"]
COPY runtime/ /var/runtime/
"""
    with image(engine, TAG, dockerfile, {"runtime": folder}):
        answers = await served(TAG, "one", "two")

    assert answers == [(None, {"event": each, "name": "f"}) for each in ("one", "two")]


BASES = {
    # Nothing but a Python and the libraries it is linked with: no shell, no user, no pip.
    "scratch": f"""\
FROM {BASE} AS full
FROM scratch
COPY --from=full /usr/bin/python{PYTHON} /usr/bin/python3
COPY --from=full /usr/lib/python{PYTHON} /usr/lib/python{PYTHON}
COPY --from=full /usr/lib/x86_64-linux-gnu /lib/x86_64-linux-gnu
COPY --from=full /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 /lib64/
""",
    # Where AWS's own base images for Python have things, and what they say of themselves.
    "aws": f"""\
FROM {BASE}
RUN mkdir -p /var/lang/bin /var/runtime && ln -s /usr/bin/python{PYTHON} /var/lang/bin/python3 \\
    && rm /usr/bin/python3 \\
    && printf '#!/bin/sh\\nexec /var/runtime/bootstrap "$@"\\n' > /lambda-entrypoint.sh \\
    && chmod 755 /lambda-entrypoint.sh
ENV LANG=en_US.UTF-8 TZ=:/etc/localtime PATH=/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin \\
    LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/task:/var/task/lib:/opt/lib \\
    LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime
ENTRYPOINT ["/lambda-entrypoint.sh"]
""",
}


@pytest.mark.parametrize("base", BASES)
async def test_our_runtime_is_an_entry_point_on_any_base(
    engine: docker.DockerClient, code: Path, runtime: Path, base: str
) -> None:
    dockerfile = f"""\
{BASES[base]}
WORKDIR /var/task
ENTRYPOINT ["python3", "-m", "warmstart.runtime"]
CMD ["app.handler"]
ENV PYTHONPATH=/opt/python
COPY packages/ /opt/python/
COPY code/ /var/task/
"""
    with image(engine, TAG, dockerfile, {"packages": runtime, "code": code}):
        (kind, answer), (failed, error) = await served(TAG, "one", "fail")

    assert (kind, answer) == (None, {"event": "one", "name": "f"})
    assert failed == "Unhandled"
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "as asked")
