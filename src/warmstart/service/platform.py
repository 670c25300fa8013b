"""The whole service, put together: state, control plane, data plane, logs, and the API in front.

    API ─┬─▶ control plane ─▶ store, code
         │         └ deploys ─▶ service ─▶ environments ─▶ logs
         ├─ invoke ───────────▶    ▲
         └─ invoke, kept ─▶ queue ─┘

`Platform.open` opens from the bottom up and on leaving closes from the top down. What it
finds in its directory it goes on with: functions are deployed, events delivered.
"""

from __future__ import annotations

import asyncio
import logging
import mimetypes
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from warmstart.invoke import Invoker
from warmstart.service.api.application import Api, Application, Verifier
from warmstart.service.api.errors import ApiError
from warmstart.service.api.exchange import (
    Message,
    Receive,
    Request,
    Response,
    Send,
    head_of,
    respond,
)
from warmstart.service.api.invocations import Invocations
from warmstart.service.api.json import AwsJSON
from warmstart.service.api.local_callers import LocalCallers
from warmstart.service.api.operations import operations_of
from warmstart.service.api.rest_json import RestJSON
from warmstart.service.api.signature import SignatureVerifier
from warmstart.service.asynchronous.destinations import Destinations
from warmstart.service.asynchronous.failure_records import FailureRecords
from warmstart.service.asynchronous.invocations import AsyncInvocations
from warmstart.service.asynchronous.recursion import RecursionGuard
from warmstart.service.clock import Clock
from warmstart.service.control.arns import Arns
from warmstart.service.control.code import ARCHIVES, S3
from warmstart.service.control.control_plane import ControlPlane
from warmstart.service.control.event_source_mappings import Pollers
from warmstart.service.control.invoker import DeployedFunctions
from warmstart.service.control.runtimes import ImagePythons
from warmstart.service.environments.docker import IMAGE, NO_NETWORK, DockerDriver, Isolation
from warmstart.service.environments.drivers import ByPackage
from warmstart.service.environments.enclosure import ProcessDriver
from warmstart.service.environments.engine import EngineUnavailable
from warmstart.service.environments_api import ENVIRONMENTS, environments_response
from warmstart.service.event_buses import EventBuses
from warmstart.service.function import IDLE_TIMEOUT
from warmstart.service.invocation import new_request_id
from warmstart.service.limits import Limits
from warmstart.service.logs.events import LogEvents
from warmstart.service.logs.files import LogFiles
from warmstart.service.logs.forwarding import LogForwarder
from warmstart.service.logs.groups import LogGroups
from warmstart.service.logs.subscribed import Subscribed
from warmstart.service.logs.subscription_filters import SubscriptionFilters
from warmstart.service.logs.writer import LogWriter
from warmstart.service.service import Service
from warmstart.service.state.code import CodeStore
from warmstart.service.state.errors import StateError
from warmstart.service.state.store import Store
from warmstart.service.telemetry import Event, Observer

__all__ = ["Platform", "Settings"]

_logger = logging.getLogger(__name__)

EventSources = Callable[[Invoker, FailureRecords], AbstractAsyncContextManager[Pollers]]

RETENTION_INTERVAL = 3600
"""Seconds between two looks for logs that are older than their group's retention."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a service is set up.

    `endpoint` tells its own URL, once it listens. `endpoints` are the URLs of AWS's other
    services, or what stands in for them, by their names in ARNs: `s3`, `sqs`, `sns`,
    `events`. With `keys`, secrets by access key, every request must be signed with one.
    What functions log is also sent to the CloudWatch Logs at `forward_logs`.
    `time_scale` multiplies the waiting times of asynchronous invocations. An environment that
    was not used for `idle_timeout` seconds is shut down.
    With the isolation `docker` functions that are no images run in containers, too: of the
    image `image`. `network` is what containers are connected to (for both see `DockerDriver`).
    `function_variables` is what all functions find in their environment: see `Service`.
    """

    directory: Path
    endpoint: Callable[[], str]
    region: str = "us-east-1"
    account: str = "123456789012"
    keys: Mapping[str, str] = field(default_factory=dict)
    endpoints: Mapping[str, str] = field(default_factory=dict)
    forward_logs: str | None = None
    time_scale: float = 1.0
    function_variables: Mapping[str, str] = field(default_factory=dict)
    concurrent_executions: int = 1000
    idle_timeout: float = IDLE_TIMEOUT
    isolation: Isolation = "process"
    image: str = IMAGE
    network: str = NO_NETWORK


class Platform:
    """The service behind one ASGI application."""

    def __init__(
        self,
        service: Service,
        control: ControlPlane,
        invoker: Invoker,
        asynchronous: AsyncInvocations,
        event_buses: EventBuses,
        subscription_filters: SubscriptionFilters,
        api: Application,
        verifier: Verifier,
    ) -> None:
        self.service = service
        self.control = control
        self.invoker = invoker
        self.asynchronous = asynchronous
        self.event_buses = event_buses
        self.subscription_filters = subscription_filters
        self._api = api
        self._verifier = verifier

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        settings: Settings,
        *,
        observer: Observer | None = None,
        clock: Clock | None = None,
        event_sources: EventSources | None = None,
    ) -> AsyncIterator[Platform]:
        """Open the service on a directory; `observer` hears what its environments report.

        What reads event sources for an invoker is `event_sources`; without it, none is read.

        Raises:
            StateError: the directory is in use, damaged, or cannot be used.
            EngineUnavailable: all is to run in containers, and there is no engine for them.
        """
        async with AsyncExitStack() as stack:
            yield await _assemble(settings, observer, clock or Clock(), event_sources, stack)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve the APIs, and what there is beside them."""
        path: str = scope.get("path", "")
        if path.startswith(ARCHIVES):
            response = await asyncio.to_thread(self._archive, path.removeprefix(ARCHIVES))
            await respond(send, response, new_request_id())
        elif path == ENVIRONMENTS:
            await respond(send, self._environments(head_of(scope)), new_request_id())
        else:
            await self._api(scope, receive, send)

    def _environments(self, request: Request) -> Response:
        try:
            self._verifier.verify(request, "lambda")
        except ApiError as error:
            return Response(403, {"Content-Type": "text/plain"}, f"{error.message}\n".encode())
        return environments_response(self.service.environments)

    def _archive(self, token: str) -> Response:
        path = self.control.archive(token)
        if path is None:
            return Response(403, {"Content-Type": "text/plain"}, b"The link is no longer valid.\n")
        kind = mimetypes.types_map[".zip"]
        return Response(200, {"Content-Type": kind}, path.read_bytes())


async def _assemble(
    settings: Settings,
    observer: Observer | None,
    clock: Clock,
    event_sources: EventSources | None,
    stack: AsyncExitStack,
) -> Platform:
    arns = Arns(settings.region, settings.account)
    store = Store.open(settings.directory)
    stack.callback(store.close)
    code = CodeStore(settings.directory)
    files = LogFiles(settings.directory / "logs")
    stack.callback(files.flush)
    observers: list[Observer] = [LogWriter(files).on_event]
    if settings.forward_logs is not None:
        forwarder = LogForwarder(settings.forward_logs, settings.region)
        stack.push_async_callback(asyncio.to_thread, forwarder.close)
        observers.append(forwarder.on_event)
    if observer is not None:
        observers.append(observer)

    def observe(event: Event) -> None:
        for each in observers:
            each(event)

    driver, no_containers = await asyncio.to_thread(_driver, settings, stack)
    service = Service(
        observe,
        driver=driver,
        clock=clock,
        region=settings.region,
        account=settings.account,
        limits=Limits(concurrency=settings.concurrent_executions),
        function_variables=settings.function_variables,
    )
    await stack.enter_async_context(service)
    control = ControlPlane(
        store,
        code,
        service,
        arns=arns,
        endpoint=settings.endpoint,
        s3=S3(settings.endpoints.get("s3"), settings.region),
        concurrent_executions=settings.concurrent_executions,
        clock=clock,
    )
    control.deployments.idle_timeout = settings.idle_timeout
    if not isinstance(driver, ProcessDriver):
        control.deployments.images = driver
    if settings.isolation == "docker":
        control.deployments.interpreters = ImagePythons()
    stack.push_async_callback(control.aclose)
    functions = RecursionGuard(
        DeployedFunctions(service, control.registry, no_containers),
        lambda name: control.recursion.recursive_loop(name) == "Allow",
        clock,
    )
    filters = SubscriptionFilters(files, store, control.log_group, clock)
    log_groups = LogGroups(files, store, arns, clock, filters.forget_group)
    destinations = Destinations(settings.endpoints, region=settings.region)
    stack.callback(destinations.close)
    if event_sources is not None:
        failures = FailureRecords(destinations, clock)
        pollers = event_sources(functions, failures)
        control.event_sources.pollers = await stack.enter_async_context(pollers)
    await control.restore()
    asynchronous = await stack.enter_async_context(
        AsyncInvocations(
            settings.directory,
            functions,
            control.event_invoke,
            destinations,
            arns.function,
            clock=clock,
            time_scale=settings.time_scale,
        )
    )
    subscribed = Subscribed(asynchronous, filters.of_group, control.log_group, arns, clock)
    files.on_write = (await stack.enter_async_context(subscribed)).on_write
    verifier = SignatureVerifier(settings.keys, clock) if settings.keys else LocalCallers()
    event_buses = EventBuses(arns, clock)
    api = Application(
        Api(AwsJSON("logs"), operations_of(log_groups, LogEvents(files, clock), filters)),
        Api(
            AwsJSON("events", invalid_input="ValidationException"),
            operations_of(event_buses),
        ),
        Api(
            RestJSON("lambda"),
            operations_of(*control.groups),
            Invocations(functions, asynchronous, arns, clock),
        ),
        verifier=verifier,
    )
    expiring = asyncio.create_task(_expire(log_groups))
    stack.callback(expiring.cancel)
    return Platform(service, control, functions, asynchronous, event_buses, filters, api, verifier)


def _driver(
    settings: Settings, stack: AsyncExitStack
) -> tuple[ProcessDriver | DockerDriver | ByPackage, str | None]:
    """What runs functions, and why images cannot be run, if they cannot."""
    try:
        docker = DockerDriver(settings.image, settings.network)
    except EngineUnavailable as error:
        if settings.isolation == "docker":
            raise
        return ProcessDriver(), str(error)
    stack.push_async_callback(asyncio.to_thread, docker.close)
    if settings.isolation == "docker":
        return docker, None
    return ByPackage(docker, ProcessDriver()), None


async def _expire(log_groups: LogGroups) -> None:
    while True:
        try:
            log_groups.expire()
        except (OSError, StateError):
            _logger.exception("Old logs could not be deleted, it is tried again later")
        await asyncio.sleep(RETENTION_INTERVAL)
