"""An ASGI app that shows all that it sees, or answers just as it is told.

A request with the header `x-answer` gets the answer that the header describes,
as JSON: `{"status": …, "headers": [[name, value], …], "chunks": [text, …]}`, in
which `chunks` are latin-1 texts, sent one message each; as memory views, which
ASGI servers take and frameworks send, if `"views"` is true. Any other request
gets a JSON of its own scope and body.
"""

from __future__ import annotations

import json
from typing import Any

from warmstart.adapter.asgi import Receive, Scope, Send


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        raise NotImplementedError("the mirror shows HTTP only")
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    told = dict(scope["headers"]).get(b"x-answer")
    if told is None:
        answer = {"status": 200, "headers": [["content-type", "application/json"]]}
        answer["chunks"] = [json.dumps(_seen(scope, body))]
    else:
        answer = json.loads(told)
    await _send(answer, send)


async def _send(answer: dict[str, Any], send: Send) -> None:
    headers = [
        (name.encode("latin-1"), value.encode("latin-1")) for name, value in answer["headers"]
    ]
    await send({"type": "http.response.start", "status": answer["status"], "headers": headers})
    kind = memoryview if answer.get("views") else bytes
    *chunks, last = [kind(chunk.encode("latin-1")) for chunk in answer["chunks"] or [""]]
    for chunk in chunks:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": last})


def _seen(scope: Scope, body: bytes) -> dict[str, Any]:
    return {
        "http_version": scope["http_version"],
        "method": scope["method"],
        "scheme": scope["scheme"],
        "path": scope["path"],
        "raw_path": scope["raw_path"].decode("latin-1"),
        "query_string": scope["query_string"].decode("latin-1"),
        "root_path": scope["root_path"],
        "headers": [[n.decode("latin-1"), v.decode("latin-1")] for n, v in scope["headers"]],
        "client": list(scope["client"]),
        "server": list(scope["server"]),
        "body": body.decode("latin-1"),
    }
