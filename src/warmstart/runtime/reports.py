"""What is said of posts and of failures, so that whatever becomes of them, the loop goes on.

A service that refuses an answer has its reasons: it came too late, or was too
large, and in both cases the service has told the caller already. So a refusal
is logged and never raised. If the service has gone, `next` will find out.
"""

from __future__ import annotations

from warmstart.runtime.calls import Calls
from warmstart.runtime.connection import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from warmstart.runtime.calls import Invocation
    from warmstart.runtime.client import RuntimeClient
    from warmstart.runtime.connection import Response
    from warmstart.runtime.errors import ErrorReport
    from warmstart.runtime.logs import LogOutput

__all__ = ["Reporter", "encoded"]

_REFUSALS = {
    400: "the invocation is over, it probably timed out",
    403: "the invocation has been answered already",
    410: "the invocation timed out",
    413: "it is too large",
}


class Reporter:
    """Logs failures to `output`, and makes the posts that report them."""

    def __init__(self, calls: Calls, output: LogOutput) -> None:
        self.output = output
        self._calls = calls

    def log(self, error: BaseException, request_id: str = "") -> ErrorReport:
        """Log `error` and return what there is to say of it."""
        from warmstart.runtime.errors import describe

        report = describe(error, request_id)
        self.output.error(report.document, report.lines)
        return report

    def error_call(self, invocation: Invocation, error: BaseException) -> bytes:
        """Log `error` and return the call that posts it as the invocation's."""
        report = self.log(error, invocation.request_id)
        return self._calls.error(invocation, encoded(report), report.header, report.xray_cause)

    def post_init_error(
        self, client: RuntimeClient, error: BaseException, error_type: str | None = None
    ) -> None:
        """Log `error` and report that INIT failed; the process is expected to exit."""
        self._post_environment_error(client, "init/error", error, error_type)

    def post_restore_error(
        self, client: RuntimeClient, error: BaseException, error_type: str
    ) -> None:
        """Log `error` and report that the environment could not be restored."""
        self._post_environment_error(client, "restore/error", error, error_type)

    def settle(self, what: str, response: Response) -> None:
        """Log it if the service refused the post."""
        if response.status >= 300:
            reason = _REFUSALS.get(response.status, "it gave no reason that we know")
            body = str(response.body[:500], "utf-8", "replace").strip()
            self.output.notice(
                "WARNING",
                f"The service refused the {what} ({response.status}): {reason}. {body}",
            )

    def lost(self, what: str, error: Exception) -> None:
        """Log that a post may not have arrived."""
        self.output.notice("WARNING", f"The {what} could not be posted: {error}")

    def _post_environment_error(
        self, client: RuntimeClient, call: str, error: BaseException, error_type: str | None
    ) -> None:
        report = self.log(error)
        header = error_type or report.header
        message = self._calls.environment_error(call, encoded(report), header)
        try:
            self.settle(call, client.post(message))
        except (OSError, ProtocolError) as problem:
            self.lost(call, problem)


def encoded(report: ErrorReport) -> bytes:
    """The document of `report` as JSON."""
    from warmstart.runtime.marshaller import encode

    return encode(report.document)
