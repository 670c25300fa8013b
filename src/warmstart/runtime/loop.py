"""The life of an execution environment: INIT, invocations one at a time, SHUTDOWN.

Between invocations the process waits for the answer to `next` and is frozen
there, so it does nothing else. The answer is posted as soon as the handler has
it; `next` is asked for only when the handler is done, so that no background
work is frozen half way.
"""

from __future__ import annotations

import gc
import os
import sys

from warmstart.runtime.calls import RuntimeAPIError
from warmstart.runtime.client import RuntimeClient
from warmstart.runtime.connection import ProtocolError
from warmstart.runtime.context import FunctionFacts, LambdaContext
from warmstart.runtime.exchange import BlockingExchange
from warmstart.runtime.handlers import PlainHandler, find_handler
from warmstart.runtime.logs import LogOutput, arrange_logging, unbuffer
from warmstart.runtime.marshaller import marshaller
from warmstart.runtime.reports import Reporter
from warmstart.runtime.signals import Shutdown
from warmstart.runtime.snapstart import SnapshotFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from warmstart.runtime.calls import Invocation
    from warmstart.runtime.connection import Connection

__all__ = ["Environment", "Unanswered"]


class Unanswered(Exception):
    """A handler returned without having answered."""


class Environment:
    """This process as an execution environment of the Runtime API at `address`.

    Args:
        address: `host:port`, as `AWS_LAMBDA_RUNTIME_API` has it.
        name: The handler's name.
        adapt: Makes a handler of what the name stands for; it returns what
            is a handler already.
    """

    def __init__(self, address: str, name: str, adapt: Callable[[Any], Any]) -> None:
        self._name = name
        self._adapt = adapt
        self._client = RuntimeClient(address)
        self._output = LogOutput(os.environ)
        self._reporter = Reporter(self._client.calls, self._output)
        self._shutdown = Shutdown()
        # Where this process is a template, of which others are copies.
        self._snapshots = os.environ.pop("WARMSTART_SNAPSHOT_FD", None)
        self._streaming = os.environ.get("WARMSTART_INVOKE_MODE") == "RESPONSE_STREAM"

    def run(self) -> int:
        """Live, and return the process's exit code."""
        self._shutdown.listen()
        if self._snapshots is not None:
            os.set_inheritable(int(self._snapshots), False)
        unbuffer()
        arrange_logging(self._output)
        try:
            self._init()
        except (SystemExit, KeyboardInterrupt):
            raise
        except SnapshotFailed as failed:
            return failed.exit_code
        except BaseException as error:  # noqa: BLE001 - whatever the function raises while it loads
            self._reporter.post_init_error(self._client, error)
            return 1
        try:
            self._serve()
        except (RuntimeAPIError, OSError, ProtocolError) as error:
            self._output.notice("CRITICAL", f"There will be no more invocations. {error}")
            return 1
        finally:
            self._handler.stop_environment()
        return 0

    def _init(self) -> None:
        self._handler = find_handler(self._name, self._adapt)
        self._handler.start_environment()
        if self._snapshots is None:
            self._extension = self._announce_shutdown()
            # What INIT made stays; no collection needs to look at it again.
            gc.freeze()
        if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
            from warmstart.runtime.snapstart import after_restore, before_snapshot

            before_snapshot(self._client, self._reporter, self._be_snapshotted)
            after_restore(self._client, self._reporter)
        self._facts = FunctionFacts()

    def _be_snapshotted(self) -> None:
        """Wait until this is a restored environment; as a template, one of its own."""
        if self._snapshots is None:
            self._client.restore_next()
            return
        # What the copies need is there already.
        from warmstart.runtime import extension  # noqa: F401
        from warmstart.runtime.template import Template

        self._client.connection.close()
        Template(int(self._snapshots), self._output).wait()
        self._shutdown.renew()
        self._client = RuntimeClient(os.environ["AWS_LAMBDA_RUNTIME_API"])
        self._reporter = Reporter(self._client.calls, self._output)
        self._extension = self._announce_shutdown()

    def _announce_shutdown(self) -> Connection | None:
        """Ask for a notice of the shutdown, where there is anything to do then."""
        if isinstance(self._handler, PlainHandler) and not self._shutdown.is_overridden():
            return None
        from warmstart.runtime.extension import register

        return register(self._client.connection.address)

    def _serve(self) -> None:
        client, shutdown = self._client, self._shutdown
        while not shutdown.requested:
            invocation = client.next(shutdown.wait_readable)
            if invocation is None:
                break
            shutdown.begin_invocation(invocation.deadline_ms)
            self._serve_one(invocation)
            shutdown.end_invocation()

    def _serve_one(self, invocation: Invocation) -> None:
        self._output.scope = (invocation.request_id, invocation.tenant_id)
        _set_trace_id(invocation.trace_id)
        json = marshaller()
        exchange = BlockingExchange(
            self._client, self._reporter, invocation, marshaller=json, streaming=self._streaming
        )
        try:
            context = LambdaContext(invocation, self._facts, self._output.write)
            event = json.unmarshal_request(invocation.body, invocation.content_type)
            self._handler.serve_invocation(event, context, exchange)
            if not exchange.answered:
                raise Unanswered("The handler returned without an answer.")
            # An app that heard of its client's leaving stops in the middle of its stream; what
            # the service said then must not be taken for the answer to `next`.
            exchange.finish_now()
        except BaseException as error:
            exchange.fail_now(error)
            if isinstance(error, KeyboardInterrupt):
                raise  # somebody wants the process to end
        sys.stdout.flush()


def _set_trace_id(trace_id: str | None) -> None:
    """Tell the X-Ray SDK, which looks in the environment."""
    if trace_id is not None:
        os.environb[b"_X_AMZN_TRACE_ID"] = trace_id.encode()
    else:
        os.environb.pop(b"_X_AMZN_TRACE_ID", None)
