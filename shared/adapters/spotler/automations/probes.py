"""Harmless requests that show whether the unpublished calls exist: reads, and paths with the wrong method.

The probes change nothing in the account. A write's path is requested with GET, which a service that has the path
answers with 405; ids of contacts and runs are those of none. An answer only counts if a path that certainly does not
exist has another answer.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from pydantic import TypeAdapter

from shared.adapters.spotler.automations import unpublished
from shared.adapters.spotler.automations.unpublished import Assumption
from shared.adapters.spotler.rest.errors import UNREADABLE_ANSWER
from shared.adapters.spotler.rest.models import AutomationAnswer, TagAnswer
from shared.adapters.spotler.rest.transport import Result, SpotlerCall, SpotlerTransport
from shared.domain.features.capabilities import Capability, CapabilityFinding, CapabilityState
from shared.errors import ConnectorError, ThrottledError

NOBODY = "spotler-connector-check"
NO_RUN = "00000000-0000-0000-0000-000000000000"

_NOWHERE = SpotlerCall("probe.nowhere", "GET", f"/contact/{NOBODY}/no-such-part")
_UNKNOWN_CONTACT = "CONTACT_NOT_FOUND"

_TAGS = TypeAdapter(list[TagAnswer])
_AUTOMATIONS = TypeAdapter(list[AutomationAnswer])


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    code: str

    def __str__(self) -> str:
        return f"HTTP {self.status} {self.code}".strip()


_Answer = tuple[CapabilityState, str]


class Probes:
    """Probes one account."""

    def __init__(self, transport: SpotlerTransport) -> None:
        self._transport = transport

    async def findings(self) -> list[CapabilityFinding]:
        """Probe every capability. ConnectorError if the account cannot be used at all."""
        await self._transport.send(SpotlerCall("ping", "GET", "/contact/properties/list", fixed_path=True))
        nowhere = await self._ask(_NOWHERE)
        questions: Mapping[Capability, Callable[[], Awaitable[_Answer]]] = {
            Capability.TAGS: lambda: self._tags(nowhere),
            Capability.SCORES: lambda: self._writes(nowhere, [(unpublished.SCORE, NOBODY)]),
            Capability.AUTOMATION_LIST: self._automations,
            Capability.AUTOMATION_FIELDS: self._fields,
            Capability.AUTOMATION_STOP: lambda: self._writes(
                nowhere, [(unpublished.AUTOMATION_STOP, NO_RUN), (unpublished.AUTOMATION_RUN_STOP, NO_RUN)]
            ),
        }
        findings: list[CapabilityFinding] = []
        for capability, question in questions.items():
            try:
                state, evidence = await question()
            except ConnectorError as error:
                state, evidence = CapabilityState.UNDECIDED, str(error)
            findings.append(CapabilityFinding(capability, state, evidence))
        return findings

    async def _tags(self, nowhere: _Reply) -> _Answer:
        """Read the tags of the account, and those of a contact that does not exist."""
        found = await self._read(unpublished.TAG_LIST, _TAGS)
        if not isinstance(found, list):
            return _judged(unpublished.TAG_LIST, found)
        reply = await self._ask(unpublished.TAGS_OF_CONTACT.call(NOBODY))
        if reply.code == _UNKNOWN_CONTACT != nowhere.code:
            return (
                CapabilityState.PROVEN,
                f"{unpublished.TAG_LIST.path} lists tags; {unpublished.TAGS_OF_CONTACT.path} exists",
            )
        return _judged(unpublished.TAGS_OF_CONTACT, reply)

    async def _automations(self) -> _Answer:
        found = await self._read(unpublished.AUTOMATION_LIST, _AUTOMATIONS)
        if not isinstance(found, list):
            return _judged(unpublished.AUTOMATION_LIST, found)
        return CapabilityState.PROVEN, f"{unpublished.AUTOMATION_LIST.path} lists {len(found)} automations"

    async def _fields(self) -> _Answer:
        """Look for a trigger with fields: they cannot be tried without starting an automation."""
        found = await self._read(unpublished.AUTOMATION_LIST, _AUTOMATIONS)
        if not isinstance(found, list):
            return _judged(unpublished.AUTOMATION_LIST, found)
        if any(trigger.fields for automation in found for trigger in automation.triggers):
            return CapabilityState.PROVEN, f"{unpublished.AUTOMATION_LIST.path} lists fields of triggers"
        return CapabilityState.UNDECIDED, "no automation has fields: add a field to a message of one, and check again"

    async def _writes(self, nowhere: _Reply, paths: Sequence[tuple[Assumption, str]]) -> _Answer:
        for assumption, segment in paths:
            reply = await self._ask(assumption.call(segment, method="GET"))
            if reply.status != HTTPStatus.METHOD_NOT_ALLOWED or nowhere.status == HTTPStatus.METHOD_NOT_ALLOWED:
                return _judged(assumption, reply)
        there = ", ".join(assumption.path for assumption, _ in paths)
        return CapabilityState.PROVEN, f"the service knows {there}"

    async def _read(self, assumption: Assumption, shape: TypeAdapter[Result]) -> Result | _Reply:
        try:
            return await self._transport.fetch(assumption.call(), shape)
        except ConnectorError as error:
            return _reply(error)

    async def _ask(self, call: SpotlerCall) -> _Reply:
        try:
            response = await self._transport.send(call)
        except ConnectorError as error:
            return _reply(error)
        return _Reply(response.status_code, "")


def _reply(error: ConnectorError) -> _Reply:
    """Turn a refusal into an answer; raise an error that says nothing about the path."""
    if error.status is None or isinstance(error, ThrottledError):
        raise error
    return _Reply(error.status, error.code)


def _judged(assumption: Assumption, reply: _Reply) -> _Answer:
    failed = reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    state = CapabilityState.UNDECIDED if failed and reply.code != UNREADABLE_ANSWER else CapabilityState.DISPROVEN
    return state, f"{assumption.path} answered {reply}"
