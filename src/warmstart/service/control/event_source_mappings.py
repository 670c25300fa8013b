"""Event source mappings: which functions read which queues and streams.

A mapping is written down in a state that passes (Creating, Enabling, Disabling,
Updating, Deleting), in which AWS lets nobody change it. A task beside the API then
has the pollers start or stop reading, and settles it:

    Creating, Enabling, Updating ─▶ Enabled, or Disabled where that is wanted
    Disabling ─▶ Disabled
    Deleting ─▶ gone

After a restart `restore` goes on where the last process was stopped.
A mapping outlives its function, as on AWS.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from datetime import UTC, datetime
from typing import Protocol

from warmstart.service.api.errors import ApiError
from warmstart.service.api.operations import Members, operation
from warmstart.service.clock import Clock
from warmstart.service.control.configuration import invalid
from warmstart.service.control.event_sources import check_settings, event_source
from warmstart.service.control.pagination import page
from warmstart.service.control.registry import Registry, does_not_exist

__all__ = ["EventSourceMappings", "Pollers"]

_logger = logging.getLogger(__name__)

_KIND = "event_source_mapping"
_MAX_ITEMS = 100
_SETTLED = ("Enabled", "Disabled")
_PROBLEM = "PROBLEM: internal Lambda error. Please contact Lambda customer support."
_NOT_SETTINGS = frozenset({"Enabled", "FunctionName", "Tags", "UUID"})
_NOT_SET = frozenset(
    {"FunctionArn", "LastModified", "LastProcessingResult", "State", "StateTransitionReason"}
)


class Pollers(Protocol):
    """What reads the event sources."""

    async def start(self, mapping: Members) -> None:
        """Read as the mapping says, from now on; its `UUID` may be being read already."""
        ...

    async def stop(self, mapping_id: str) -> None:
        """Return when nothing is read for that mapping any more."""
        ...

    def forget(self, mapping_id: str) -> None:
        """Keep nothing of a mapping that was stopped."""
        ...

    def last_result(self, mapping_id: str) -> str | None:
        """What came of reading for that mapping last, if that is known."""
        ...


class EventSourceMappings:
    """The five operations. Without `pollers`, which may be given later, nothing is read."""

    def __init__(self, registry: Registry, clock: Clock | None = None) -> None:
        self._registry = registry
        self._clock = clock or Clock()
        self._tasks: set[asyncio.Task[None]] = set()
        self.pollers: Pollers | None = None

    @operation("CreateEventSourceMapping")
    def create(self, parameters: Members) -> Members:
        """Have a function read a source."""
        source = event_source(parameters)
        check_settings(source, parameters)
        is_sqs = source.name == "SQS"
        mapping: Members = {
            "UUID": str(uuid.uuid4()),
            **source.defaults,
            **_settings(parameters),
            "FunctionArn": self._function_arn(parameters["FunctionName"]),
            "Enabled": parameters.get("Enabled", True),
            "StateTransitionReason": "USER_INITIATED" if is_sqs else "User action",
        }
        if not is_sqs:
            mapping["LastProcessingResult"] = "No records processed"
        self._add_consumer_group(mapping)
        self._check_duplicate(mapping)
        with self._registry.transaction():
            if parameters.get("Tags"):
                self._registry.put_tags(self._arn(mapping["UUID"]), parameters["Tags"])
            return self._begin(mapping, "Creating")

    @operation("GetEventSourceMapping")
    def get(self, parameters: Members) -> Members:
        """A mapping."""
        return self._shown(self._existing(parameters["UUID"]))

    @operation("UpdateEventSourceMapping")
    def update(self, parameters: Members) -> Members:
        """Change what is given of a mapping."""
        mapping = self._changeable(parameters["UUID"], "update")
        source = event_source(mapping)
        settings = {name: value for name, value in mapping.items() if name not in _NOT_SET}
        check_settings(source, settings | _settings(parameters))
        was_enabled = mapping["Enabled"]
        mapping |= _settings(parameters)
        mapping["Enabled"] = parameters.get("Enabled", was_enabled)
        if "FunctionName" in parameters:
            mapping["FunctionArn"] = self._function_arn(parameters["FunctionName"])
        for member in ("FilterCriteria", "ScalingConfig"):
            if not mapping.get(member):  # given without content it is removed
                mapping.pop(member, None)
        if mapping["Enabled"] == was_enabled:
            return self._begin(mapping, "Updating")
        return self._begin(mapping, "Enabling" if mapping["Enabled"] else "Disabling")

    @operation("DeleteEventSourceMapping")
    def delete(self, parameters: Members) -> Members:
        """Stop reading, and forget the mapping when nothing is being read."""
        return self._begin(self._changeable(parameters["UUID"], "delete"), "Deleting")

    @operation("ListEventSourceMappings")
    def list_mappings(self, parameters: Members) -> Members:
        """All mappings, or those of a source or a function."""
        source = parameters.get("EventSourceArn")
        function = None
        if "FunctionName" in parameters:
            name = self._registry.name(parameters)
            function = self._registry.arns.function(name.name, name.qualifier)
        mappings = [
            self._shown(mapping)
            for _, mapping in self._registry.store.all(_KIND)
            if source in (None, mapping.get("EventSourceArn"))
            and (function is None or f"{mapping['FunctionArn']}:".startswith(f"{function}:"))
        ]
        return page(
            "EventSourceMappings",
            mappings,
            parameters,
            lambda mapping: str(mapping["UUID"]),
            max_items=_MAX_ITEMS,
        )

    def check_exists(self, mapping_id: str) -> None:
        """Raise `ApiError` if there is no mapping of that id."""
        self._existing(mapping_id)

    def restore(self) -> None:
        """Go on with all that the last process read, and settle what it could not."""
        for _, mapping in self._registry.store.all(_KIND):
            if mapping["State"] == "Enabled":
                self._begin(mapping, "Enabling")
            elif mapping["State"] != "Disabled":
                self._settle_beside(mapping["UUID"])

    async def wait_settled(self) -> None:
        """Return when no mapping is in a state that passes."""
        while self._tasks:
            await asyncio.wait(list(self._tasks))

    async def aclose(self) -> None:
        """Stop settling; the next `restore` goes on with it. The pollers are their owner's."""
        for task in self._tasks:
            task.cancel()
        await self.wait_settled()

    def _begin(self, mapping: Members, state: str) -> Members:
        """Write a mapping down in a state that passes, and let it pass."""
        mapping["State"] = state
        self._put(mapping)
        self._settle_beside(mapping["UUID"])
        return self._shown(mapping)

    def _settle_beside(self, mapping_id: str) -> None:
        task = asyncio.get_running_loop().create_task(self._settle(mapping_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _settle(self, mapping_id: str) -> None:
        mapping = self._existing(mapping_id)
        reads = mapping["Enabled"] and mapping["State"] != "Deleting"
        try:
            if self.pollers is not None:
                await (self.pollers.start(mapping) if reads else self.pollers.stop(mapping_id))
        except Exception:  # a fault of ours, and nobody waits for this task
            _logger.exception("The event source of mapping %s is not read", mapping_id)
            mapping["LastProcessingResult"] = _PROBLEM
        if mapping["State"] == "Deleting":
            if self.pollers is not None:
                self.pollers.forget(mapping_id)
            with self._registry.transaction():
                self._registry.store.delete(_KIND, mapping_id)
                self._registry.store.delete("tags", self._arn(mapping_id))
        else:
            mapping["State"] = "Enabled" if reads else "Disabled"
            self._put(mapping)

    def _put(self, mapping: Members) -> None:
        mapping["LastModified"] = self._clock.time()
        self._registry.store.put(_KIND, mapping["UUID"], mapping)

    def _existing(self, mapping_id: str) -> Members:
        mapping = self._registry.store.get(_KIND, mapping_id)
        if mapping is None:
            raise does_not_exist()
        return mapping

    def _changeable(self, mapping_id: str, doing: str) -> Members:
        mapping = self._existing(mapping_id)
        if mapping["State"] not in _SETTLED:
            raise ApiError(
                "ResourceInUseException",
                f"Cannot {doing} the event source mapping because it is in use.",
            )
        return mapping

    def _function_arn(self, function: str) -> str:
        """The ARN by which a mapping names its function, version or alias."""
        name = self._registry.name({"FunctionName": function})
        try:
            self._registry.find(name)
        except ApiError:
            raise invalid("Function does not exist") from None
        return self._registry.arns.function(name.name, name.qualifier)

    def _add_consumer_group(self, mapping: Members) -> None:
        """What a Kafka source's consumers are called by, if nobody says; never changed again."""
        member = "AmazonManagedKafkaEventSourceConfig"
        if "SelfManagedEventSource" in mapping:
            member = "SelfManagedKafkaEventSourceConfig"
        if "Topics" in mapping:
            mapping[member] = {"ConsumerGroupId": mapping["UUID"], **mapping.get(member, {})}

    def _check_duplicate(self, mapping: Members) -> None:
        def identity(each: Members) -> list[object]:
            members = ("FunctionArn", "EventSourceArn", "SelfManagedEventSource", "Topics")
            return [each.get(member) for member in (*members, "Queues")]

        for other_id, other in self._registry.store.all(_KIND):
            if identity(other) == identity(mapping):
                source = mapping.get("EventSourceArn")
                function = mapping["FunctionArn"].split(":")[6]
                raise ApiError(
                    "ResourceConflictException",
                    f'An event source mapping with SQS arn (" {source} ") and function'
                    f' (" {function} ") already exists. Please update or delete the existing'
                    f" mapping with UUID {other_id}"
                    if source and ":sqs:" in source
                    else f'The event source arn (" {source} ") and function (" {function} ")'
                    " provided mapping already exists. Please update or delete the existing"
                    f" mapping with UUID {other_id}",
                )

    def _arn(self, mapping_id: str) -> str:
        return self._registry.arns.event_source_mapping(mapping_id)

    def _shown(self, mapping: Members) -> Members:
        output = {name: value for name, value in mapping.items() if name != "Enabled"}
        output["EventSourceMappingArn"] = self._arn(mapping["UUID"])
        result = self.pollers.last_result(mapping["UUID"]) if self.pollers else None
        if result is not None:
            output["LastProcessingResult"] = result
        for member in ("LastModified", "StartingPositionTimestamp"):
            if member in output:
                output[member] = datetime.fromtimestamp(output[member], UTC)
        return output


def _settings(parameters: Members) -> Members:
    """The members of a request that a mapping keeps, as JSON can say them."""
    settings = {name: value for name, value in parameters.items() if name not in _NOT_SETTINGS}
    if "StartingPositionTimestamp" in settings:
        settings["StartingPositionTimestamp"] = settings["StartingPositionTimestamp"].timestamp()
    return settings
