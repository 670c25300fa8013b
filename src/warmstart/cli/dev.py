"""`warmstart dev`: an app behind a Function URL on this machine, through the whole chain.

    uvicorn ─▶ FunctionURL ─▶ Service ─▶ Runtime API ─▶ python -m warmstart.runtime APP
    schedules, uploads, queues ─▶

When a file changes, the function is updated: requests that come after it go to
new environments, those in flight end in the old ones.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from dotenv import dotenv_values
from watchfiles import PythonFilter, awatch

from warmstart.cli.console import Console
from warmstart.cli.isolation import with_isolation
from warmstart.cli.queues import Queue, queue_of_url, reading_in_dev
from warmstart.cli.serving import HTTPServer, address, listen, on_interrupt, run
from warmstart.cli.triggers import described, dev_triggers, running_in_dev, triggers_of_file
from warmstart.gateways.function_url import FunctionURL, InvokeMode
from warmstart.service.environments.docker import DockerDriver, Isolation
from warmstart.service.environments.driver import Driver
from warmstart.service.environments.enclosure import ProcessDriver
from warmstart.service.environments.engine import EngineUnavailable, NoImage
from warmstart.service.errors import InitFailed
from warmstart.service.function import IDLE_TIMEOUT, Function
from warmstart.service.limits import Limits
from warmstart.service.service import Service
from warmstart.triggers.configuration import Triggers

__all__ = ["dev"]

_FUNCTION = "app"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settings:
    """What the command line said."""

    app: str
    host: str
    port: int
    env_file: Path | None
    timeout: float
    memory: int
    max_concurrency: int
    idle_timeout: float
    reload: bool
    mode: InvokeMode
    isolation: Isolation
    image: str
    network: str
    triggers: Triggers
    queues: tuple[Queue, ...]
    task_root: Path = field(default_factory=Path.cwd)

    def function(self) -> Function:
        """The function as it is configured now; the env file is read anew each time."""
        # Lambda's code directory is read-only. Here no bytecode is written, because Python would
        # take it for current after an edit within the same second that keeps the file's size.
        environment = {"PYTHONDONTWRITEBYTECODE": "1"}
        if self.mode is not InvokeMode.BUFFERED:
            environment["WARMSTART_INVOKE_MODE"] = "RESPONSE_STREAM"
        if self.env_file is not None:
            values = dotenv_values(self.env_file)
            environment |= {name: value or "" for name, value in values.items()}
        return Function(
            name=_FUNCTION,
            handler=self.app,
            task_root=str(self.task_root),
            timeout=self.timeout,
            memory_size=self.memory,
            idle_timeout=self.idle_timeout,
            # One failed import is enough to see what is wrong.
            init_timeout=10.0,
            suppressed_init=False,
            environment=environment,
        )

    def limits(self) -> Limits:
        """One function has the whole account; in a reload there are those of before, too."""
        return Limits(
            concurrency=self.max_concurrency,
            unreserved=0,
            environments=2 * self.max_concurrency,
        )


@click.command()
@click.argument("app")
@click.option("--port", default=3000, show_default=True, type=click.IntRange(0, 65535))
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option(
    "--env-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Variables for the app (NAME=value lines). Nothing else of this shell's reaches it.",
)
@click.option(
    "--timeout",
    default=30.0,
    show_default=True,
    type=click.FloatRange(1, 900),
    help="Seconds an invocation may take.",
)
@click.option(
    "--memory",
    default=512,
    show_default=True,
    type=click.IntRange(128, 10240),
    help="Memory size of an environment in MB. One that takes more is ended, as on AWS.",
)
@click.option(
    "--max-concurrency",
    default=20,
    show_default=True,
    type=click.IntRange(1, 1000),
    help="Environments at the most; a request that finds none gets 429.",
)
@click.option(
    "--idle-timeout",
    default=IDLE_TIMEOUT,
    show_default=True,
    type=click.FloatRange(0.1),
    help="Seconds after which an unused environment is shut down.",
)
@click.option("--reload/--no-reload", default=True, show_default=True, help="Watch *.py files.")
@click.option(
    "--stream/--buffer",
    default=None,
    help="The Function URL's invoke mode: RESPONSE_STREAM or BUFFERED, each as strict as on "
    "AWS. The default streams what an ASGI app sends and takes a plain handler's answer whole.",
)
@click.option(
    "--every",
    multiple=True,
    metavar="SCHEDULE",
    help='Wake APP by a schedule: "rate(5 minutes)" or a cron(…). May be repeated.',
)
@click.option(
    "--bucket",
    "buckets",
    multiple=True,
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="Wake APP by the files in a folder, as S3 does by a bucket's. May be repeated.",
)
@click.option(
    "--queue",
    "queues",
    multiple=True,
    metavar="URL",
    help="Wake APP by the messages of a queue of SQS, at AWS or elsewhere. May be repeated.",
)
@click.option(
    "--triggers",
    "triggers_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A TOML file of what wakes APP besides, under [functions.app.events].",
)
@with_isolation
@click.option("--verbose", is_flag=True, help="Print Lambda's START, END and REPORT lines, too.")
def dev(
    *,
    stream: bool | None,
    verbose: bool,
    every: tuple[str, ...],
    buckets: tuple[Path, ...],
    queues: tuple[str, ...],
    triggers_file: Path | None,
    **options: Any,
) -> None:
    """Serve APP (module:attr) through the whole Lambda chain.

    APP is an ASGI application or a Lambda handler, found from this directory.
    """
    app = options["app"]
    if not all(app.partition(":")[::2]):
        raise click.BadArgumentUsage(
            f"{app!r} does not name an app. Write module:attr, as in main:app for main.py's `app`."
        )
    mode = {None: InvokeMode.AUTO, True: InvokeMode.RESPONSE_STREAM, False: InvokeMode.BUFFERED}
    others = Triggers() if triggers_file is None else triggers_of_file(triggers_file, _FUNCTION)
    triggers = dev_triggers(_FUNCTION, every, buckets, others)
    settings = _Settings(
        mode=mode[stream], triggers=triggers, queues=tuple(map(queue_of_url, queues)), **options
    )
    listener = listen(settings.host, settings.port)
    with listener:
        exit_code = run(_serve(settings, listener, Console(verbose=verbose)))
    sys.exit(exit_code)


async def _serve(settings: _Settings, listener: socket.socket, console: Console) -> int:
    interrupted = on_interrupt()
    async with (
        _driver(settings) as driver,
        Service(console.on_event, driver=driver, limits=settings.limits()) as service,
    ):
        await service.create_function(settings.function())
        starting = asyncio.ensure_future(service.start_environment(_FUNCTION))
        console.quiet = True  # an app that fails to start is described once, below
        await asyncio.wait({starting, interrupted}, return_when=asyncio.FIRST_COMPLETED)
        console.quiet = False
        if not starting.done():
            starting.cancel()
            return 0
        try:
            starting.result()
        except InitFailed as failure:
            console.show_init_failure(settings.app, failure)
            return 2
        gateway = FunctionURL(service, _FUNCTION, mode=settings.mode, observer=console.on_access)
        watcher = asyncio.create_task(_watch(settings, service, console))
        await asyncio.sleep(0)  # the watch is on once its task has begun
        try:
            async with (
                running_in_dev(
                    settings.triggers, service, service.arn, console, gateway
                ) as application,
                reading_in_dev(settings.queues, service.arn(_FUNCTION), service, console),
            ):
                server = HTTPServer(application)
                interrupted.add_done_callback(lambda _: server.stop())
                console.say(_welcome(settings, listener))
                await server.serve(sockets=[listener])
        finally:
            watcher.cancel()
    console.say(f"{settings.app} is shut down.")
    return 0


@asynccontextmanager
async def _driver(settings: _Settings) -> AsyncIterator[Driver]:
    """What runs the app. Raises `click.ClickException` if that is not here."""
    if settings.isolation == "process":
        yield ProcessDriver()
        return
    hidden = _unreadable(settings.task_root)
    if hidden is not None:
        raise click.ClickException(
            f"Containers run as a user of their own, as on AWS, who may not read {hidden}:"
            f" chmod -R o+rX {settings.task_root}"
        )
    try:
        driver = await asyncio.to_thread(DockerDriver, settings.image, settings.network)
    except EngineUnavailable as error:
        raise click.ClickException(str(error)) from None
    try:
        try:
            driver.prepare(settings.function())
        except NoImage as error:
            raise click.ClickException(f"{error} Or name another with --image.") from None
        yield driver
    finally:
        await asyncio.to_thread(driver.close)


def _unreadable(folder: Path) -> Path | None:
    """The folder or a module in it, if not everybody may read it."""
    if folder.stat().st_mode & 0o005 != 0o005:
        return folder
    modules = (path for path in sorted(folder.glob("*.py")) if path.is_file())
    return next((path for path in modules if not path.stat().st_mode & 0o004), None)


def _welcome(settings: _Settings, listener: socket.socket) -> str:
    url = click.style(address(listener), bold=True)
    more = "reloads on change" if settings.reload else "does not reload"
    queues = [f"  woken by messages of {queue.url}" for queue in settings.queues]
    first = f"{settings.app} at {url} ({more}; Ctrl-C ends it)"
    return "\n".join([first, *described(settings.triggers), *queues])


async def _watch(settings: _Settings, service: Service, console: Console) -> None:
    """Update the function whenever its code changes."""
    if not settings.reload:
        return
    extra = (settings.env_file.name,) if settings.env_file is not None else ()
    async for changes in awatch(
        settings.task_root, watch_filter=PythonFilter(extra_extensions=extra)
    ):
        names = sorted({str(Path(path).relative_to(settings.task_root)) for _, path in changes})
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        console.say(click.style(f"Reloading: {', '.join(names[:3])}{more} changed.", fg="cyan"))
        await service.update_function(settings.function())
        try:
            await service.start_environment(_FUNCTION)
        except InitFailed as failure:
            console.show_init_failure(settings.app, failure)
