"""HTTP/1.1 over one kept-alive connection of an event loop: `connection.py` for many at a time."""

from __future__ import annotations

import asyncio

from warmstart.runtime.connection import (
    MAX_HEAD,
    ConnectionLost,
    ProtocolError,
    Response,
    chunk_size,
    content_length,
    parse_head,
    split_address,
)

__all__ = ["AsyncConnection"]


class AsyncConnection:
    """A connection to `address` (`host:port`) that is made when it is needed."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._host, self._port = split_address(address)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._served = False
        self._begun = False  # whether an answer has begun to come

    async def request(self, message: bytes, *, again: bool = True) -> Response:
        """Send `message`, a whole request, and return the answer.

        A connection that the service closed meanwhile is made anew, once, as
        `connection.py` tells.

        Raises:
            OSError: there is no connection to be had, or it was lost.
            ProtocolError: the answer is not HTTP/1.1.
        """
        served = self._served
        try:
            await self.send(message)
            return await self.read_response()
        except OSError:
            begun = self._begun
            self.close()
            if begun or not (again and served):
                raise
        return await self.request(message, again=False)

    async def send(self, data: bytes) -> None:
        """Send `data`, connecting first if need be; waits while the service is slow."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port, limit=MAX_HEAD)
        self._begun = False
        writer = self._streams[1]
        writer.write(data)
        await writer.drain()

    async def read_response(self) -> Response:
        """Read one whole answer."""
        assert self._streams is not None
        reader = self._streams[0]
        try:
            response = await self._read_head(reader)
            while response.status < 200:
                response = await self._read_head(reader)
            await _read_body(reader, response)
        except asyncio.IncompleteReadError as error:
            self._begun = self._begun or bool(error.partial)
            raise ConnectionLost(f"{self.address} closed before it had answered.") from None
        if "close" in response.headers.get("connection", "").lower() or reader.at_eof():
            self.close()
        else:
            self._served = True
        return response

    def close(self) -> None:
        """Forget the connection; the next request makes a new one."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
        self._served = False

    async def refresh(self) -> None:
        """Close a connection that the service has closed already."""
        if self._streams is not None and self._streams[0].at_eof():
            self.close()

    async def _read_head(self, reader: asyncio.StreamReader) -> Response:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            raise ProtocolError(f"The head of an answer of {self.address} does not end.") from None
        self._begun = True
        return parse_head(head[:-4], self.address)


async def _read_body(reader: asyncio.StreamReader, response: Response) -> None:
    headers = response.headers
    if "transfer-encoding" in headers:
        chunks = []
        while size := chunk_size(await reader.readuntil(b"\r\n")):
            chunks.append(await reader.readexactly(size))
            await reader.readuntil(b"\r\n")
        while await reader.readuntil(b"\r\n") != b"\r\n":
            pass  # trailers
        response.body = b"".join(chunks)
    elif "content-length" in headers:
        response.body = await reader.readexactly(content_length(headers["content-length"]))
    elif response.status not in (204, 304):
        response.body = await reader.read()
