"""The `warmstart` command."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command; what it needs beyond the standard library is the extra `local`."""
    try:
        from warmstart.cli.commands import warmstart
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "warmstart":
            raise
        sys.exit(
            f"warmstart: the command needs {error.name!r}. "
            'Install its extra: pip install "warmstart[local]"'
        )
    warmstart(prog_name="warmstart")
