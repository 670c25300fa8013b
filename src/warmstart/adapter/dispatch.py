"""Which function gets an event that is not HTTP.

A source has one function at most, so what handles an event does not depend on
the order of imports. What no name was registered for is shown to the predicates,
in the order of their registration, and `"direct"` takes what they leave. A
schedule's event is an EventBridge event too: `"eventbridge"` gets it unless
`"schedule"` is registered.
"""

from __future__ import annotations

from warmstart.adapter.formats import HTTP_SOURCES
from warmstart.adapter.results import respond
from warmstart.events.source import Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal, Protocol, TypeAlias, TypeVar

    from warmstart.adapter.calls import EventFunction
    from warmstart.adapter.deadline import Deadline
    from warmstart.adapter.exchange import Exchange

    Predicate: TypeAlias = Callable[[Any], object]
    """Tells whether an event is one for the function that it is registered with."""

    F = TypeVar("F", bound=EventFunction)

    class EventServer(Protocol):
        """Serves one event that is not HTTP, from its JSON to its answer."""

        async def serve(
            self,
            source: Source,
            event: Any,
            context: Any,
            exchange: Exchange,
            *,
            state: dict[str, Any],
            deadline: Deadline,
        ) -> None: ...


__all__ = ["EventHandlers", "Registration", "UnhandledEvent"]


class UnhandledEvent(RuntimeError):
    """An event came that is not HTTP, and nothing is registered for its source."""

    def __init__(self, source: Source) -> None:
        super().__init__(
            f"Nothing handles events of the source {source.value!r}. Register a function for them, "
            f'@handler.on("{source.value}"), or name a path of the app that they are POSTed to, '
            'ASGIHandler(app, events_path="/events").'
        )
        self.source = source


class Registration:
    """A function, and how it wants its events."""

    __slots__ = ("concurrency", "each", "function")

    def __init__(
        self, function: EventFunction, each: Literal["event", "record"], concurrency: int
    ) -> None:
        self.function = function
        self.each = each
        self.concurrency = concurrency

    async def serve(
        self,
        source: Source,
        event: Any,
        context: Any,
        exchange: Exchange,
        *,
        state: dict[str, Any],
        deadline: Deadline,
    ) -> None:
        """Call the function, or call it for each record, and answer with the result.

        Raises:
            EventCancelled: the deadline came first.
            Exception: what the function raised for the event.
        """
        if self.each == "record":
            from warmstart.adapter.batches import call_for_each

            result = await call_for_each(
                self.function,
                source,
                event,
                context,
                concurrency=self.concurrency,
                deadline=deadline,
            )
        else:
            from warmstart.adapter.calls import call_in_time

            result = await call_in_time(self.function, event, context, deadline)
        await respond(exchange, result)


class EventHandlers:
    """The functions registered for events, by source and by predicate.

    `fallback` serves what nothing is registered for.
    """

    def __init__(self, fallback: EventServer | None = None) -> None:
        self._fallback = fallback
        self._by_source: dict[Source, Registration] = {}
        self._by_predicate: list[tuple[Predicate, Registration]] = []

    def on(
        self, *which: str | Predicate, each: Literal["event", "record"], concurrency: int
    ) -> Callable[[F], F]:
        """A decorator that registers a function. `ASGIHandler.on` says what the arguments mean."""
        sources = [_source(name) for name in which if isinstance(name, str)]
        predicates = [predicate for predicate in which if not isinstance(predicate, str)]
        _check(sources, predicates, each, concurrency)

        def register(function: F) -> F:
            registration = Registration(function, each, concurrency)
            for source in sources:
                if (other := self._by_source.get(source)) is not None:
                    raise ValueError(
                        f"Events of the source {source.value!r} have a function already: "
                        f"{other.function!r}. Register one function that does both."
                    )
            self._by_source.update(dict.fromkeys(sources, registration))
            self._by_predicate.extend((predicate, registration) for predicate in predicates)
            return function

        return register

    def find(self, source: Source, event: Any) -> EventServer | None:
        """What serves `event`, which came from `source`; None for a warm-up ping that nobody wants.

        Raises:
            UnhandledEvent: nothing does.
            Exception: what a predicate raised.
        """
        found = self._registered(source, event)
        if found is not None or source is Source.WARMUP:
            return found
        if self._fallback is None:
            raise UnhandledEvent(source)
        return self._fallback

    def _registered(self, source: Source, event: Any) -> Registration | None:
        found = self._by_source.get(source)
        if found is None and source is Source.SCHEDULE:
            found = self._by_source.get(Source.EVENTBRIDGE)
        if found is not None and source is not Source.DIRECT:
            return found
        for predicate, registration in self._by_predicate:
            if predicate(event):
                return registration
        return found


_BATCHES = frozenset({Source.DYNAMODB, Source.KINESIS, Source.SQS})
_NAMES = [source.value for source in Source if source not in {*HTTP_SOURCES, Source.WEBSOCKET}]


def _source(name: str) -> Source:
    if name in _NAMES:
        return Source(name)
    if name in [source.value for source in Source]:
        raise ValueError(f"Events of the source {name!r} are requests: the app gets them.")
    raise ValueError(f"{name!r} is no source of events. Known: {', '.join(sorted(_NAMES))}.")


def _check(sources: list[Source], predicates: list[Predicate], each: str, concurrency: int) -> None:
    if not sources and not predicates:
        raise ValueError('on() wants the name of a source, as in @handler.on("sqs").')
    for predicate in predicates:
        if not callable(predicate):
            raise TypeError(f"on() wants names of sources and predicates, not {predicate!r}.")
    if each not in ("event", "record"):
        raise ValueError(f"each={each!r}: must be 'event' or 'record'.")
    if each == "record" and (predicates or not _BATCHES.issuperset(sources)):
        known = ", ".join(repr(source.value) for source in sorted(_BATCHES))
        raise ValueError(f'each="record" is for the sources {known} alone.')
    if concurrency < 1:
        raise ValueError(f"concurrency={concurrency}: must be 1 or more.")
