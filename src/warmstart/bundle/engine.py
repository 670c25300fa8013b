"""Docker's engine, as builds use it, through Docker's own SDK."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from warmstart.bundle.errors import BuildError

__all__ = ["Engine", "Layer"]

_STEP = re.compile(r"Step (\d+)/(\d+) : (.*)")


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer that takes room, the instruction that made it, and its size in bytes."""

    instruction: str
    size: int


class Engine:
    """The engine at `DOCKER_HOST`, or where Docker is by default."""

    def __init__(self) -> None:
        try:
            import docker
        except ImportError:
            raise BuildError(
                "Images are built through Docker's API, for which the docker package is missing:"
                ' pip install "warmstart[build]"'
            ) from None
        self._errors = docker.errors
        try:
            self._client = docker.from_env()  # asks for the API's version
        except self._errors.DockerException as error:
            raise BuildError(
                f"Docker does not answer ({_reason(error)}). Start it, or say in DOCKER_HOST where"
                " it is."
            ) from None

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def build(
        self,
        tag: str,
        platform: str,
        say: Callable[[str], None],
        *,
        context: BinaryIO | None = None,
        directory: str | None = None,
        arguments: Mapping[str, str],
    ) -> str:
        """Build an image of a context, or of a directory with a Dockerfile; its id.

        Raises:
            BuildError: the build failed; the message has the last words of the step that did.
        """
        source: dict[str, Any] = (
            {"path": directory} if context is None else {"fileobj": context, "custom_context": True}
        )
        try:
            messages = self._client.api.build(
                tag=tag,
                platform=platform,
                buildargs=dict(arguments),
                decode=True,
                rm=True,
                forcerm=True,
                **source,
            )
            return _follow(messages, say)
        except self._errors.DockerException as error:
            raise BuildError(f"The image cannot be built: {_reason(error)}") from None

    def layers(self, image: str) -> list[Layer]:
        """What an image is made of, the base's layers first."""
        history = self._client.api.history(image)
        found = [Layer(_instruction(entry["CreatedBy"]), entry["Size"]) for entry in history]
        return [layer for layer in reversed(found) if layer.size]


def _follow(messages: Iterable[dict[str, Any]], say: Callable[[str], None]) -> str:
    """Tell what is being done, a line for each step; the image's id."""
    image = ""
    step = ""
    error = ""
    said: list[str] = []
    for message in messages:
        if "error" in message:  # the last one; reading on ends the connection
            error = message["error"]
        image = message.get("aux", {}).get("ID", image)
        text = message.get("stream", "")
        if match := _STEP.match(text):
            if step:
                say(step)
            number, total, instruction = match.groups()
            step, said = f"[{number}/{total}] {instruction}", []
        elif "Using cache" in text:
            step += "  (as before)"
        else:
            said.append(text)
    if step:
        say(step)
    if error:
        raise BuildError(f"The image cannot be built: {error}\n{''.join(said).strip()}".rstrip())
    return image


def _instruction(created_by: str) -> str:
    """The instruction in a Dockerfile's words; shells and hashes are the builder's."""
    text = created_by.removeprefix("/bin/sh -c ").removeprefix("#(nop)").strip()
    return re.sub(r"\b(?:dir|file|multi):([0-9a-f]{8})[0-9a-f]+", r"\1…", text) or "the base"


def _reason(error: Exception) -> str:
    return str(getattr(error, "explanation", None) or error)
