"""HTTP/1.1 over one kept-alive blocking socket: just what the Runtime API needs.

A request goes out in one write and the answer is read at once, so the socket
never holds more than one exchange. `http.client` would cost 20 ms and 6 MB of
every cold start, `socket` 2 ms; the C module underneath is all that is used.

When the service drops an idle connection, the next request finds out only by
failing. It is then sent again on a new connection, once, and only if the old
one had served before and not one byte of an answer came: the rule that every
HTTP client follows (RFC 9112, section 9.3.1). Should the lost request have
arrived after all, the Runtime API refuses the second one.
"""

from __future__ import annotations

from _socket import (
    AF_INET,
    IPPROTO_TCP,
    MSG_DONTWAIT,
    SOCK_STREAM,
    TCP_NODELAY,
    getaddrinfo,
    socket,
)
from select import POLLIN, poll

TYPE_CHECKING = False  # known to type checkers; `typing` itself takes milliseconds to import
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "MAX_HEAD",
    "Connection",
    "ConnectionLost",
    "ProtocolError",
    "Response",
    "chunk_size",
    "content_length",
    "parse_head",
    "split_address",
]

_RECEIVE = 65536
MAX_HEAD = 1024 * 1024


class ConnectionLost(OSError):
    """The service closed the connection before it had answered."""


class ProtocolError(Exception):
    """What the service sent is not HTTP/1.1."""


class Response:
    """One answer: `headers` by lower-case name, `body` whole."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: dict[str, str]) -> None:
        self.status = status
        self.headers = headers
        self.body: bytes | bytearray = b""


class Connection:
    """A connection to `address` (`host:port`) that is made when it is needed."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._host, self._port = split_address(address)
        self._socket: socket | None = None
        self._poll = poll()
        self._received = b""
        self._begun = False  # whether an answer has begun to come
        # The last 202 and its bytes: the service says it in the same ones until its Date changes.
        self._accepted = (b"", Response(202, {}))
        # Whether this connection has carried an answer: it may then have been closed since.
        self.served = False

    def fileno(self) -> int:
        """The open socket's descriptor, for polling."""
        return self._descriptor

    def request(
        self, message: bytes, wait: Callable[[int], bool] | None = None, *, again: bool = True
    ) -> Response | None:
        """Send `message`, a whole request, and return the answer.

        `wait` is called with the descriptor before the answer is read, and may
        give up by returning False; then there is no answer (None) and the
        connection is closed. `again` allows a second try on a new connection.

        Raises:
            OSError: there is no connection to be had, or it was lost.
            ProtocolError: the answer is not HTTP/1.1.
        """
        served = self.served
        self._begun = False
        try:
            self.send(message)
            if wait is not None and not wait(self._descriptor):
                self.close()
                return None
            return self.read_response()
        except OSError:
            self.close()
            if self._begun or not (again and served):
                raise
        return self.request(message, wait, again=False)

    def send(self, data: bytes | memoryview) -> None:
        """Send all of `data`, connecting first if need be."""
        if self._socket is None:
            self.connect()
        assert self._socket is not None
        self._socket.sendall(data)

    def send_nowait(self, data: memoryview) -> int:
        """Send what the kernel takes without waiting, and return how many bytes that was."""
        if self._socket is None:
            raise ConnectionLost(f"The connection to {self.address} is closed.")
        try:
            return self._socket.send(data, MSG_DONTWAIT)
        except BlockingIOError:
            return 0

    def has_input(self, milliseconds: int = 0) -> bool:
        """Whether an answer, or the end of the connection, is there to be read by then."""
        return self._socket is None or bool(self._poll.poll(milliseconds))

    def close(self) -> None:
        """Forget the connection; the next request makes a new one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._received = b""
        self.served = False

    @property
    def is_open(self) -> bool:
        """Whether there is a connection, as far as this side knows."""
        return self._socket is not None

    def connect(self) -> None:
        """Connect to the first of the host's addresses that answers."""
        if self._host.replace(".", "").isdigit():
            targets = [(AF_INET, (self._host, self._port))]
        else:
            found = getaddrinfo(self._host, self._port, 0, SOCK_STREAM)
            targets = [(entry[0], entry[4]) for entry in found]  # type: ignore[misc]
        while self._socket is None:
            family, target = targets.pop(0)
            connection = socket(family, SOCK_STREAM)
            try:
                connection.connect(target)
            except OSError:
                connection.close()
                if not targets:
                    raise
            else:
                connection.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
                self._socket = connection
                self._descriptor = connection.fileno()
                self._poll = poll()
                self._poll.register(connection, POLLIN)

    # Reading. `_received` holds what came beyond the part that was asked for.

    def read_response(self) -> Response:
        """Read one whole answer."""
        data = self._received or self._receive()
        known, accepted = self._accepted
        if data == known:
            self._received = b""
            self.served = True
            return accepted
        self._received = data
        response = self._read_new()
        if response.status == 202 and _is_whole(data, response) and self.is_open:
            self._accepted = (data, response)
        return response

    def _read_new(self) -> Response:
        response = self._read_head()
        while response.status < 200:  # 100 Continue and its kin announce the real answer
            response = self._read_head()
        headers = response.headers
        if "transfer-encoding" in headers:
            response.body = self._read_chunked()
        elif "content-length" in headers:
            response.body = self._read_exactly(content_length(headers["content-length"]))
        elif response.status not in (204, 304):
            response.body = self._read_to_end()
        if "connection" in headers and "close" in headers["connection"].lower():
            self.close()
        else:
            self.served = self._socket is not None
        return response

    def _read_head(self) -> Response:
        head, end, rest = self._received.partition(b"\r\n\r\n")
        while not end:
            if len(head) > MAX_HEAD:
                raise ProtocolError(f"The head of an answer of {self.address} does not end.")
            self._received += self._receive()
            head, end, rest = self._received.partition(b"\r\n\r\n")
        self._received = rest
        return parse_head(head, self.address)

    def _read_exactly(self, length: int) -> bytes | bytearray:
        received = self._received
        if len(received) >= length:
            self._received = received[length:]
            return received[:length] if self._received else received
        assert self._socket is not None
        body = bytearray(length)
        view = memoryview(body)
        filled = len(received)
        view[:filled] = received
        while filled < length:
            count = self._socket.recv_into(view[filled:])
            if not count:
                raise ConnectionLost(f"{self.address} closed in the middle of an answer.")
            filled += count
        self._received = b""
        return body

    def _read_chunked(self) -> bytes:
        chunks = []
        while True:
            size = chunk_size(self._read_line())
            if not size:
                break
            chunks.append(self._read_exactly(size))
            self._read_line()
        while self._read_line():
            pass  # trailers
        return b"".join(chunks)

    def _read_line(self) -> bytes:
        while b"\r\n" not in self._received:
            self._received += self._receive()
        line, _, self._received = self._received.partition(b"\r\n")
        return line

    def _read_to_end(self) -> bytes:
        assert self._socket is not None
        data = self._received
        while more := self._socket.recv(_RECEIVE):
            data += more
        self.close()
        return data

    def _receive(self) -> bytes:
        assert self._socket is not None
        data = self._socket.recv(_RECEIVE)
        if not data:
            raise ConnectionLost(f"{self.address} closed the connection without an answer.")
        self._begun = True
        return data


def _is_whole(data: bytes, response: Response) -> bool:
    """Whether `data` are all the bytes that `response` was made of."""
    return "content-length" in response.headers and data.endswith(b"\r\n\r\n" + response.body)


def content_length(value: str) -> int:
    """What a Content-Length says."""
    if not value.isdecimal():
        raise ProtocolError(f"The length of an answer is {value[:20]!r}.")
    return int(value)


def chunk_size(line: bytes) -> int:
    """What the line before a chunk says."""
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError:
        raise ProtocolError(f"The size of a chunk is {line[:20]!r}.") from None


def parse_head(head: bytes, address: str) -> Response:
    """The status and the headers in `head`, which is all up to the empty line.

    Raises:
        ProtocolError: it is not HTTP/1.1.
    """
    # UTF-8 because the client context, which a caller makes up, travels in a header.
    first, *lines = str(head, "utf-8", "replace").split("\r\n")
    status = first[9:12]
    if not (first.startswith("HTTP/1.") and status.isdecimal()):
        raise ProtocolError(f"{address} answered {first[:100]!r}, which is no HTTP/1.1.")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Response(int(status), headers)


def split_address(address: str) -> tuple[str, int]:
    """Host and port of `host:port`, `[v6]:port` or `host`."""
    host, _, port = address.rpartition(":")
    return (host.strip("[]"), int(port)) if host else (address, 80)
