"""Which function gets an event that is not HTTP, and what becomes of its result."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.adapter import samples
from tests.adapter.conftest import MakeHandler
from tests.adapter.exchanges import Context, PostedAnswers
from warmstart.adapter.asgi import Receive, Scope, Send
from warmstart.adapter.calls import EventCancelled
from warmstart.adapter.handler import ASGIHandler, UnhandledEvent
from warmstart.adapter.results import ResultTooLarge


class App:
    """An app with a lifespan that counts how often it is called."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.calls.append(scope["type"])
        assert scope["type"] == "lifespan"
        await receive()
        scope["state"]["pool"] = "open"
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})


@pytest.fixture
def handler(make_handler: MakeHandler) -> ASGIHandler:
    return make_handler(App())


EVERY_SOURCE: list[tuple[str, Any]] = [
    ("s3", samples.S3),
    ("sns", samples.SNS),
    ("sqs", samples.sqs("a")),
    ("kinesis", samples.kinesis("1")),
    ("dynamodb", samples.dynamodb("1")),
    ("schedule", samples.SCHEDULE),
    ("eventbridge", samples.EVENTBRIDGE),
    ("kafka", {"eventSource": "aws:kafka", "records": {}}),
    ("mq", {"eventSource": "aws:rmq", "rmqMessagesByQueue": {}}),
    ("cognito", {"triggerSource": "PreSignUp_SignUp", "userPoolId": "us-east-1_X", "version": "1"}),
    ("cloudwatch-logs", {"awslogs": {"data": "H4sI"}}),
    ("ses", {"Records": [{"eventSource": "aws:ses", "ses": {"mail": {}, "receipt": {}}}]}),
    ("direct", {"some": "input"}),
    ("direct", None),
    ("direct", 7),
    ("warmup", samples.WARMUP),
]


@pytest.mark.parametrize(("name", "event"), EVERY_SOURCE)
def test_a_function_gets_the_events_of_its_source(
    handler: ASGIHandler, name: str, event: Any
) -> None:
    context = Context()

    @handler.on(name)
    def function(event: Any, context: Any) -> list[Any]:
        return [event, context]

    assert handler(event, context) == [event, context]


@pytest.mark.parametrize("event", [samples.S3, samples.SNS])
def test_a_function_may_take_several_sources(handler: ASGIHandler, event: Any) -> None:
    handler.on("s3", "sns")(lambda event, context: "both")

    assert handler(event, None) == "both"


def test_the_decorator_leaves_the_function_as_it_is(handler: ASGIHandler) -> None:
    def function(event: Any, context: Any) -> None: ...

    assert handler.on("s3")(function) is function


def test_an_async_function_runs_on_the_handlers_loop_across_events(handler: ASGIHandler) -> None:
    loops = []

    @handler.on("s3")
    async def function(event: Any, context: Any) -> str:
        await asyncio.sleep(0)
        loops.append(asyncio.get_running_loop())
        return "done"

    assert [handler(samples.S3, None), handler(samples.S3, None)] == ["done", "done"]
    assert loops[0] is loops[1]


def test_the_lifespan_has_run_before_a_function_and_its_state_is_there(
    handler: ASGIHandler,
) -> None:
    @handler.on("s3")
    def function(event: Any, context: Any) -> dict[str, Any]:
        return handler.state

    with pytest.raises(RuntimeError, match="lifespan has not run"):
        _ = handler.state
    assert handler(samples.S3, None) == {"pool": "open"}
    assert handler.state == {"pool": "open"}


def test_a_lifespan_of_each_invocation_has_its_own_state(make_handler: MakeHandler) -> None:
    app = App()
    handler = make_handler(app, lifespan_per="invocation")
    states = []

    @handler.on("s3")
    async def function(event: Any, context: Any) -> None:
        states.append(handler.state)

    handler(samples.S3, None)
    handler(samples.S3, None)

    assert app.calls == ["lifespan", "lifespan"]
    assert states == [{"pool": "open"}] * 2
    assert states[0] is not states[1]
    with pytest.raises(RuntimeError, match="lifespan has not run"):
        _ = handler.state


@pytest.mark.parametrize("error", [ValueError("broken"), SystemExit(3), KeyboardInterrupt()])
@pytest.mark.parametrize("is_async", [False, True])
def test_a_functions_error_is_the_invocations_error(
    handler: ASGIHandler, error: BaseException, is_async: bool
) -> None:
    def fails(event: Any, context: Any) -> None:
        raise error

    async def fails_later(event: Any, context: Any) -> None:
        raise error

    handler.on("s3")(fails_later if is_async else fails)

    with pytest.raises(type(error)) as caught:
        handler(samples.S3, None)
    assert caught.value is error


def test_a_second_function_for_a_source_is_refused_where_it_is_registered(
    handler: ASGIHandler,
) -> None:
    @handler.on("sqs")
    def first(event: Any, context: Any) -> str:
        return "first"

    with pytest.raises(ValueError, match=r"source 'sqs' have a function already: <.*first.*>"):
        handler.on("s3", "sqs")(lambda event, context: "second")

    assert handler(samples.sqs("a"), None) == "first"
    with pytest.raises(UnhandledEvent):  # a refused registration registers nothing
        handler(samples.S3, None)


def test_an_unknown_source_is_refused_with_the_known_ones(handler: ASGIHandler) -> None:
    with pytest.raises(ValueError, match=r"'sq3' is no source of events\. Known: .*s3, .*sqs"):
        handler.on("sq3")


@pytest.mark.parametrize("name", ["rest", "function-url", "alb", "websocket"])
def test_requests_are_the_apps(handler: ASGIHandler, name: str) -> None:
    with pytest.raises(ValueError, match=f"'{name}' are requests: the app gets them"):
        handler.on(name)


@pytest.mark.parametrize(
    ("which", "options", "error", "message"),
    [
        ((), {}, ValueError, "wants the name of a source"),
        ((7,), {}, TypeError, "not 7"),
        (("sqs",), {"each": "message"}, ValueError, "'event' or 'record'"),
        (("s3",), {"each": "record"}, ValueError, "'dynamodb', 'kinesis', 'sqs' alone"),
        ((bool,), {"each": "record"}, ValueError, "'dynamodb', 'kinesis', 'sqs' alone"),
        (("sqs",), {"each": "record", "concurrency": 0}, ValueError, "must be 1 or more"),
    ],
)
def test_senseless_registrations_are_refused(
    handler: ASGIHandler,
    which: Any,
    options: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        handler.on(*which, **options)


def test_predicates_are_asked_in_order_of_what_no_name_is_registered_for(
    handler: ASGIHandler,
) -> None:
    handler.on("s3")(lambda event, context: "s3 by name")
    handler.on(lambda event: "Records" in event)(lambda event, context: "records")
    handler.on(lambda event: True)(lambda event, context: "anything")

    assert handler(samples.S3, None) == "s3 by name"
    assert handler(samples.SNS, None) == "records"
    assert handler({"input": 1}, None) == "anything"


def test_direct_takes_what_the_predicates_leave(handler: ASGIHandler) -> None:
    handler.on("direct")(lambda event, context: "direct")
    handler.on(lambda event: event == 1)(lambda event, context: "one")

    assert [handler(1, None), handler(2, None)] == ["one", "direct"]


def test_an_error_of_a_predicate_is_the_invocations_error(handler: ASGIHandler) -> None:
    handler.on(lambda event: event["job"] == "x")(lambda event, context: None)

    with pytest.raises(KeyError, match="job"):
        handler({}, None)


def test_a_schedule_is_for_eventbridge_unless_schedule_is_registered(handler: ASGIHandler) -> None:
    handler.on("eventbridge")(lambda event, context: "eventbridge")
    assert handler(samples.SCHEDULE, None) == "eventbridge"

    handler.on("schedule")(lambda event, context: "schedule")
    assert handler(samples.SCHEDULE, None) == "schedule"
    assert handler(samples.EVENTBRIDGE, None) == "eventbridge"


def test_a_warm_up_ping_is_answered_without_touching_the_app(make_handler: MakeHandler) -> None:
    app = App()

    assert make_handler(app, events_path="/events")(samples.WARMUP, None) is None
    assert app.calls == []


def test_an_event_that_nothing_handles_says_what_to_do(make_handler: MakeHandler) -> None:
    app = App()

    with pytest.raises(UnhandledEvent) as caught:
        make_handler(app)(samples.S3, None)

    assert "source 's3'" in str(caught.value)
    assert '@handler.on("s3")' in str(caught.value)
    assert 'events_path="/events"' in str(caught.value)
    assert caught.value.source == "s3"
    assert app.calls == []


def test_a_runtime_is_told_the_result(handler: ASGIHandler) -> None:
    handler.on("s3")(lambda event, context: {"indexed": 1})
    exchange = PostedAnswers()

    handler.serve_invocation(samples.S3, Context(), exchange)

    assert exchange.result == {"indexed": 1}


def test_a_result_that_lambda_does_not_carry_fails_the_invocation(handler: ASGIHandler) -> None:
    handler.on("s3")(lambda event, context: "too much")

    with pytest.raises(ResultTooLarge, match="6 MB"):
        handler.serve_invocation(samples.S3, Context(), PostedAnswers(limit=3))


def test_the_deadline_cancels_an_async_function(handler: ASGIHandler) -> None:
    @handler.on("s3")
    async def waits(event: Any, context: Any) -> None:
        await asyncio.get_running_loop().create_future()

    handler.start_environment()
    with pytest.raises(EventCancelled, match=r"waits.* was not done with the event before the"):
        handler(samples.S3, Context(remaining=0))


def test_somebody_elses_cancellation_is_obeyed(handler: ASGIHandler) -> None:
    started = asyncio.Event()

    @handler.on("s3")
    async def waits(event: Any, context: Any) -> None:
        started.set()
        await asyncio.get_running_loop().create_future()

    async def cancel() -> None:
        serving = asyncio.create_task(handler.serve(samples.S3, Context(), PostedAnswers()))
        await started.wait()
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        await handler.stop()

    asyncio.run(cancel())
