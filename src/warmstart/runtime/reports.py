"""Posting answers and errors so that whatever becomes of the post, the loop goes on.

A service that refuses an answer has its reasons: it came too late, or was too
large, and in both cases the service has told the caller already. So a refusal
is logged and never raised. If the service has gone, `next` will find out.
"""

from __future__ import annotations

from warmstart.runtime.connection import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from warmstart.runtime.client import Invocation, RuntimeClient
    from warmstart.runtime.connection import Response
    from warmstart.runtime.errors import ErrorReport
    from warmstart.runtime.logs import LogOutput

__all__ = ["Reporter"]

_REFUSALS = {
    400: "the invocation is over, it probably timed out",
    403: "the invocation has been answered already",
    410: "the invocation timed out",
    413: "it is too large",
}


class Reporter:
    """The posts of `client`, with what is logged of them."""

    def __init__(self, client: RuntimeClient, output: LogOutput) -> None:
        self.client = client
        self.output = output

    def response(self, invocation: Invocation, body: bytes, content_type: str) -> None:
        """Post the whole response."""
        self._post("response", lambda: self.client.respond(invocation, body, content_type))

    def error(self, invocation: Invocation, error: BaseException) -> None:
        """Log `error` and post it as the invocation's."""
        report = self.log(error, invocation.request_id)
        body = encoded(report)
        self._post(
            "error",
            lambda: self.client.error(invocation, body, report.header, report.xray_cause),
        )

    def init_error(self, error: BaseException, error_type: str | None = None) -> None:
        """Log `error` and report that INIT failed."""
        report = self.log(error)
        header = error_type or report.header
        self._post("init error", lambda: self.client.init_error(encoded(report), header))

    def restore_error(self, error: BaseException, error_type: str) -> None:
        """Log `error` and report that the environment could not be restored."""
        report = self.log(error)
        self._post("restore error", lambda: self.client.restore_error(encoded(report), error_type))

    def log(self, error: BaseException, request_id: str = "") -> ErrorReport:
        """Log `error` and return what there is to say of it."""
        from warmstart.runtime.errors import describe

        report = describe(error, request_id)
        self.output.error(report.document, report.lines)
        return report

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

    def _post(self, what: str, post: Callable[[], Response]) -> None:
        try:
            response = post()
        except (OSError, ProtocolError) as error:
            self.lost(what, error)
        else:
            self.settle(what, response)


def encoded(report: ErrorReport) -> bytes:
    """The document of `report` as JSON."""
    from warmstart.runtime.marshaller import encode

    return encode(report.document)
