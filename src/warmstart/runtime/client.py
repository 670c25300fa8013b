"""The Runtime API over one blocking connection."""

from __future__ import annotations

from warmstart.runtime.calls import Calls, Invocation, RuntimeAPIError
from warmstart.runtime.connection import Connection, Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["RuntimeClient"]


class RuntimeClient:
    """The Runtime API at `address`. Posts return the answer, whose status says what became of them.

    All of them raise `OSError` or `ProtocolError` if the service cannot be talked to.
    """

    def __init__(self, address: str) -> None:
        self.calls = Calls(address)
        self.connection = Connection(address)

    def next(self, wait: Callable[[int], bool] | None = None) -> Invocation | None:
        """Ask for the next invocation and wait for it, for hours if need be.

        `wait` may end the waiting, as `Connection.request` tells; then None is returned.

        Raises:
            RuntimeAPIError: the service will not give this process any work.
        """
        response = self.connection.request(self.calls.next, wait)
        if response is None:
            return None
        if response.status != 200:
            raise RuntimeAPIError("next", response)
        return Invocation(response)

    def restore_next(self) -> None:
        """Say that the environment may be snapshotted; returns in a restored copy.

        Raises:
            RuntimeAPIError: the service makes no snapshots.
        """
        response = self.post(self.calls.restore_next)
        if response.status != 200:
            raise RuntimeAPIError("restore/next", response)

    def post(self, message: bytes) -> Response:
        """Send one of `calls` and return the answer."""
        response = self.connection.request(message)
        assert response is not None
        return response
