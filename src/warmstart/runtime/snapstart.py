"""SnapStart: the environment is snapshotted after INIT, and each copy goes on from there.

The hooks are those of AWS's `snapshot_restore_py`. A function that never
imported it has none.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from warmstart.runtime.client import RuntimeClient
    from warmstart.runtime.reports import Reporter

__all__ = ["SnapshotFailed", "after_restore", "before_snapshot"]


class SnapshotFailed(Exception):
    """A hook failed and has been reported; the process is to exit with `exit_code`."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code


def before_snapshot(
    client: RuntimeClient, reporter: Reporter, be_snapshotted: Callable[[], None]
) -> None:
    """Run the before-snapshot hooks, and be snapshotted; returns in each copy.

    Raises:
        SnapshotFailed: one of the hooks raised, or the service makes no snapshots.
    """
    hooks = sys.modules.get("snapshot_restore_py")
    try:
        before = hooks.get_before_snapshot() if hooks else []
        while before:  # the last registered runs first
            function, args, kwargs = before.pop()
            function(*args, **kwargs)
        be_snapshotted()
    except BaseException as error:
        reporter.post_init_error(client, error, "Runtime.BeforeSnapshotError")
        raise SnapshotFailed(64) from error


def after_restore(client: RuntimeClient, reporter: Reporter) -> None:
    """Run the after-restore hooks.

    Raises:
        SnapshotFailed: one of them raised.
    """
    hooks = sys.modules.get("snapshot_restore_py")
    try:
        _be_different()
        for function, args, kwargs in hooks.get_after_restore() if hooks else []:
            function(*args, **kwargs)
    except BaseException as error:
        reporter.post_restore_error(client, error, "Runtime.AfterRestoreError")
        raise SnapshotFailed(65) from error


def _be_different() -> None:
    """Seed `random` again: every copy has the state that the snapshot had."""
    random = sys.modules.get("random")
    if random is not None:
        random.seed()
