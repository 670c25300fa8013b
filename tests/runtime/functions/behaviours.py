"""A handler that does what its event says."""

# As its users write it: nothing is annotated, and it prints.
# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, ANN204, B904, F601, PLC2401, PLW0108, T201

import collections
import dataclasses
import datetime
import decimal
import enum
import logging
import os
import sys
import uuid

logger = logging.getLogger("behaviours")


def handler(event, context):
    return globals()[event["do"]](event, context)


def raw(event, context):
    return {"type": type(event).__name__, "text": event.decode() if event else None}


def echo(event, context):
    return event


def size(event, context):
    return len(event["fill"])


def big(event, context):
    return "x" * event["bytes"]


def make(event, context):
    return VALUES[event["value"]]()


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no text for you")


@dataclasses.dataclass
class Point:
    x: int
    y: object


Pair = collections.namedtuple("Pair", "first second")
Color = enum.Enum("Color", "RED GREEN")


def circle():
    ring = []
    ring.append(ring)
    return ring


VALUES = {
    "none": lambda: None,
    "text": lambda: "grüße \x7f\x00 😀",
    "number": lambda: 1.5,
    "big number": lambda: 2**70,
    "nested": lambda: {"a": [1, {"b": (True, None)}]},
    "keys": lambda: {1: "a", 2.5: "b", True: "c", None: "d"},
    "named tuple": lambda: Pair(1, Pair(2, 3)),
    "decimal": lambda: [decimal.Decimal("1.10"), decimal.Decimal("1E+2"), decimal.Decimal(3)],
    "bytes inside": lambda: {b"k": b"v"},
    "bytes": lambda: b"\x00\xff raw",
    "ordered dict": lambda: collections.OrderedDict(b=1, a=2),
    "int enum": lambda: enum.IntEnum("N", "ONE")["ONE"],
    "nan": lambda: float("nan"),
    "decimal nan": lambda: {"x": decimal.Decimal("NaN")},
    "infinity": lambda: [float("inf")],
    "set": lambda: {1},
    "datetime": lambda: datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC),
    "date": lambda: datetime.date(2026, 1, 2),
    "uuid": lambda: uuid.UUID(int=1),
    "dataclass": lambda: Point(1, {2}),
    "enum": lambda: Color.GREEN,
    "object": object,
    "class": lambda: Point,
    "bytearray": lambda: bytearray(b"x"),
    "circle": circle,
    "lone surrogate": lambda: "a\ud800b",
    "bad bytes inside": lambda: [b"\xff"],
    "tuple key": lambda: {(1, 2): 3},
}


def fail(event, context):
    raise FAILURES[event["how"]]()


def deep(event, context):
    return deeper(event, context)


def deeper(event, context):
    return deep(event, context)


def chained(event, context):
    try:
        {}["key"]
    except KeyError as error:
        raise ValueError("no such key") from error


def in_passing(event, context):
    try:
        {}["key"]
    except KeyError:
        raise ValueError("while looking")


def noted(event, context):
    error = ValueError("with notes")
    error.add_note("first note")
    error.add_note("second note")
    raise error


def grouped(event, context):
    raise ExceptionGroup("two of them", [ValueError("one"), TypeError("two")])


def cancelled():
    import asyncio

    return asyncio.CancelledError()


class Ünïque(Exception):
    pass


FAILURES = {
    "exception": lambda: ValueError("went wrong"),
    "no text": lambda: ValueError(),
    "text of two lines": lambda: ValueError("one\ntwo"),
    "own class": lambda: Ünïque("own"),
    "cancelled": cancelled,
    "system exit": lambda: SystemExit(3),
    "keyboard interrupt": lambda: KeyboardInterrupt(),
    "generator exit": lambda: GeneratorExit(),
    "lone surrogate": lambda: ValueError("a\ud800b"),
    "unprintable": Unprintable,
    "huge": lambda: ValueError("x" * 7_000_000),
}


def describe(event, context):
    return {
        "remaining": context.get_remaining_time_in_millis() > 0,
        "repr": repr(context),
        "w3c": context.w3c(),
        "tenant": context.tenant_id,
        "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb,
        "function": [context.function_name, context.function_version],
        "logs": [context.log_group_name, context.log_stream_name],
        "identity": [
            context.identity.cognito_identity_id,
            context.identity.cognito_identity_pool_id,
        ],
        "client": context.client_context and repr(context.client_context),
        "trace": os.environ.get("_X_AMZN_TRACE_ID"),
        "deadline": context._epoch_deadline_time_in_ms,
    }


def log(event, context):
    logger.setLevel("DEBUG")
    for level in ("debug", "info", "warning", "error", "critical"):
        getattr(logger, level)("at %s", level, extra={"shade": level})
    context.log("raw\n")
    print("printed")
    print("to stderr", file=sys.stderr)


def log_exception(event, context):
    try:
        raise ValueError("caught")
    except ValueError:
        logger.exception("it failed")


def log_dict(event, context):
    logger.error({"what": "structured", "when": datetime.date(2026, 1, 2)})
