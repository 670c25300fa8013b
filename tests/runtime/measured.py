"""Programs that change the process they run in, so that no test can do what they do itself."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

__all__ = ["said_by"]


def said_by(program: str, *arguments: str, by: Sequence[str] = ()) -> list[Any]:
    """What a program prints, a JSON value in each line; `by` is a command that starts it.

    It has this process's environment variables, for coverage to see what runs in it.
    """
    command = [*by, sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=30)
    return [json.loads(line) for line in done.stdout.splitlines()]
