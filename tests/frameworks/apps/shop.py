"""What the shop does, whichever framework serves it, and a journal of what it did."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

LOGO = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4
"""Bytes of every value, so that text would not carry them."""

PIECES = ["first, ", "zweitens für alle, ", "third\n"]


@dataclass
class Journal:
    """What the app has done, in order."""

    told: list[str] = field(default_factory=list)
    delivered: list[str] = field(default_factory=list)
    lives: list[str] = field(default_factory=list)

    def clear(self) -> None:
        self.told.clear()
        self.delivered.clear()
        self.lives.clear()


journal = Journal()


class OutOfStock(Exception):
    """The app's own failure."""


class Counter:
    """A connection as drivers make them: a task of its event loop that answers over a queue."""

    async def open(self) -> None:
        self._questions: asyncio.Queue[asyncio.Future[int]] = asyncio.Queue()
        self._task = asyncio.create_task(self._answer())
        journal.lives.append("open")

    async def close(self) -> None:
        self._task.cancel()
        journal.lives.append("closed")

    async def next(self) -> int:
        question: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        await self._questions.put(question)
        return await question

    async def _answer(self) -> None:
        number = 0
        while True:
            question = await self._questions.get()
            number += 1
            question.set_result(number)


async def tell() -> AsyncIterator[bytes]:
    """Some text, piece by piece. The journal holds the pieces that exist already."""
    for piece in PIECES:
        journal.told.append(piece)
        yield piece.encode()
        await asyncio.sleep(0)


async def deliver(text: str) -> None:
    """Work that nobody waits for, and that has to wait itself."""
    for _ in range(20):
        await asyncio.sleep(0)
    journal.delivered.append(text)


def deliver_now(text: str) -> None:
    journal.delivered.append(text)


def receipt(filename: str | None, content_type: str | None, data: bytes, note: str) -> Any:
    """What is told of an uploaded file."""
    return {
        "filename": filename,
        "content_type": content_type,
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "note": note,
    }
