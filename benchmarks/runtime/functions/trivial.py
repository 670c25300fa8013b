"""A handler that does nothing, and one that waits."""

# ruff: noqa: ANN001, ANN201

import time


def handler(event, context):
    return {"ok": True}


async def waiting(event, context):
    import asyncio

    await asyncio.sleep(0.1)
    return {"ok": True}


def sleeping(event, context):
    time.sleep(0.1)
    return {"ok": True}
