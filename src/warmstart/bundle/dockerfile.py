"""The Dockerfile of an app that has none. Pure."""

from __future__ import annotations

import json

__all__ = ["PACKAGES", "TASK_ROOT", "dockerfile"]

PACKAGES = "/opt/python"
TASK_ROOT = "/var/task"

_USER = "993:990"
"""Nobody's in particular. Lambda runs images as a user of its own, whatever they say here."""


def dockerfile(base: str, handler: str) -> str:
    """An image on `base` that runs `handler`, with `packages` and `code` of the build's context.

    What changes seldom comes first. The entry point is no script: `base` needs no shell.
    """
    command = json.dumps([handler])
    return f"""\
FROM {base}
ENV LAMBDA_TASK_ROOT={TASK_ROOT} PYTHONPATH={PACKAGES}
WORKDIR {TASK_ROOT}
USER {_USER}
ENTRYPOINT ["python3", "-m", "warmstart.runtime"]
CMD {command}
COPY packages/ {PACKAGES}/
COPY code/ {TASK_ROOT}/
"""
