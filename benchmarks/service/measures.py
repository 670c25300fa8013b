"""What is measured of a service, through its API. Times are in milliseconds."""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from benchmarks.load import Outcome, run_load
from benchmarks.service.peers import Peer
from tests.service.whole.clients import CREDENTIALS, REGION, ROLE, RUNTIME, archive
from tests.service.whole.http import Connection
from tests.service.whole.process import children
from tests.service.whole.recorder import recording

PLAIN = "def handler(event, context): return event"
EVENT = b'{"a": 1}'
REQUEST = json.dumps(
    {
        "version": "2.0",
        "rawPath": "/",
        "rawQueryString": "",
        "headers": {"host": "lambda"},
        "requestContext": {
            "domainName": "lambda",
            "http": {"method": "GET", "path": "/", "protocol": "HTTP/1.1", "sourceIp": "::1"},
            "requestId": "r",
            "stage": "$default",
            "timeEpoch": 0,
        },
        "isBase64Encoded": False,
    }
).encode()
SLEEPS = """
import time
def handler(event, context):
    time.sleep(2)
    return event
"""
TELLS = """
import socket, time
def handler(event, context):
    latency = time.time() - event["sent"]
    with socket.create_connection(("127.0.0.1", {port})) as recorder:
        recorder.sendall(f"{{event['number']}} {{latency}}".encode())
"""
WEB = """
import socket
from fastapi import FastAPI
from warmstart import ASGIHandler

app = FastAPI()

@app.get("/")
def root():
    with socket.create_connection(("127.0.0.1", {port})) as held:
        held.recv(1)
    return {{}}

handler = ASGIHandler(app)
"""


class Client:
    """boto3 for one peer."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.api = boto3.client(
            "lambda",
            endpoint_url=peer.url,
            region_name=REGION,
            config=Config(retries={"total_max_attempts": 1}),
            **CREDENTIALS,
        )

    def create(self, code: str, **settings: Any) -> str:
        name = f"f-{uuid.uuid4().hex[:8]}"
        self.api.create_function(
            FunctionName=name,
            Runtime=RUNTIME,
            Role=ROLE,
            Handler="app.handler",
            Code={"ZipFile": archive(app=code)},
            **settings,
        )
        return name

    def wait(self, waiter: str, **parameters: Any) -> None:
        self.api.get_waiter(waiter).wait(
            **parameters, WaiterConfig={"Delay": 0.01, "MaxAttempts": 6000}
        )

    def deploy(self, code: str, **settings: Any) -> str:
        name = self.create(code, **settings)
        self.wait("function_active_v2", FunctionName=name)
        return name

    def invoke(self, name: str) -> None:
        answer = self.api.invoke(FunctionName=name, Payload=EVENT)
        if json.loads(answer["Payload"].read()) != {"a": 1}:
            raise RuntimeError(f"{self.peer.name} answers wrongly")

    def invoke_when_ready(self, name: str) -> None:
        while True:
            try:
                self.invoke(name)
            except ClientError as error:
                if error.response["Error"]["Code"] != "ResourceConflictException":
                    raise
                time.sleep(0.001)
            else:
                return


def first_response(client: Client, rounds: int) -> float:
    """From the call of CreateFunction to the first answer."""
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        client.invoke_when_ready(client.create(PLAIN))
        times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1000


def cold_start(client: Client, rounds: int) -> float:
    """The first invocation of a function that is active."""
    times = []
    for _ in range(rounds):
        name = client.deploy(PLAIN)
        begun = time.perf_counter()
        client.invoke(name)
        times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1000


def warm(client: Client, name: str, seconds: float) -> Outcome:
    """boto3, one call after the other."""
    client.invoke(name)
    times = []
    end = time.perf_counter() + seconds
    while (begun := time.perf_counter()) < end:
        client.invoke(name)
        times.append(time.perf_counter() - begun)
    times.sort()
    p99 = times[min(len(times) - 1, int(len(times) * 0.99))]
    return Outcome(len(times) / seconds, statistics.median(times) * 1000, p99 * 1000, 0)


def raw(port: int, name: str, clients: int, seconds: float) -> Outcome:
    """Keep-alive connections that send the same request again and again."""
    head = f"POST /2015-03-31/functions/{name}/invocations HTTP/1.1\r\nhost: lambda\r\n"
    request = f"{head}content-length: {len(EVENT)}\r\n\r\n".encode() + EVENT
    return run_load(port, request, clients=clients, seconds=seconds)


def scale_up(client: Client, count: int) -> float:
    """As many invocations at once of a function without environments, beyond what they sleep."""
    name = client.deploy(SLEEPS, Timeout=60)
    return asyncio.run(_at_once(client.peer.port, name, count)) - 2000


async def _at_once(port: int, name: str, count: int) -> float:
    connections = [Connection(port) for _ in range(count)]
    path = f"/2015-03-31/functions/{name}/invocations"
    begun = time.perf_counter()
    answers = await asyncio.gather(*(each.send("POST", path, EVENT) for each in connections))
    elapsed = (time.perf_counter() - begun) * 1000
    for each in connections:
        await each.close()
    if any(each.body != EVENT for each in answers):
        raise RuntimeError("not all were answered")
    return elapsed


def queue_latency(client: Client, count: int) -> float:
    """From the call of an asynchronous invocation to its handler."""
    with recording() as recorder:
        name = client.deploy(TELLS.format(port=recorder.port))
        for number in range(count):
            event = json.dumps({"number": number, "sent": time.time()})
            client.api.invoke(FunctionName=name, InvocationType="Event", Payload=event)
            deadline = time.monotonic() + 30
            while len(recorder.heard) <= number and time.monotonic() < deadline:
                time.sleep(0.002)
        if len(recorder.heard) < count:
            raise RuntimeError("not all events were delivered")
        return statistics.median(float(each.split()[1]) for each in recorder.heard) * 1000


def environments(client: Client, count: int, *, snapshots: bool) -> tuple[float, float]:
    """From a call to a FastAPI app's endpoint in a new environment; and an environment's memory.

    One environment after the other is started and held. The time is the median, the memory is
    in MB and each one's share of what it shares with others (PSS).
    """
    return asyncio.run(_environments(client, count, snapshots=snapshots))


async def _environments(client: Client, count: int, *, snapshots: bool) -> tuple[float, float]:
    held: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
    server = await asyncio.start_server(lambda _, writer: held.put_nowait(writer), "127.0.0.1", 0)
    code = WEB.format(port=server.sockets[0].getsockname()[1])
    name = await asyncio.to_thread(_publish, client, code, snapshots=snapshots)
    before = set(_descendants(client.peer.pid))
    path = f"/2015-03-31/functions/{name}/invocations?Qualifier=1"
    calls, writers, times = [], [], []
    for _ in range(count):
        begun = time.perf_counter()
        connection = Connection(client.peer.port)
        calls.append(asyncio.ensure_future(connection.send("POST", path, REQUEST)))
        writers.append(await held.get())
        times.append((time.perf_counter() - begun) * 1000)
    memory = sum(_pss(pid) for pid in set(_descendants(client.peer.pid)) - before) / count
    for writer in writers:
        writer.close()
    answers = await asyncio.gather(*calls)
    server.close()
    await asyncio.to_thread(client.api.delete_function, FunctionName=name)
    if any(json.loads(each.body)["statusCode"] != 200 for each in answers):
        raise RuntimeError("not all were answered")
    return statistics.median(times), memory


def _publish(client: Client, code: str, *, snapshots: bool) -> str:
    """Deploy a function and its version 1."""
    settings: dict[str, Any] = {"MemorySize": 512, "Timeout": 300, "Publish": True}
    if snapshots:
        settings["SnapStart"] = {"ApplyOn": "PublishedVersions"}
    name = client.deploy(code, **settings)
    client.wait("published_version_active", FunctionName=name, Qualifier="1")
    return name


def _descendants(pid: int) -> Iterator[int]:
    for child in children(pid):
        yield child
        yield from _descendants(child)


def _pss(pid: int) -> float:
    found = re.search(r"Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text())
    return int(found[1]) / 1024 if found else 0.0
