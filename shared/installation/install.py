"""Surveys an organisation, and applies a plan: one component after the other."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

from shared.errors import ConflictError, ConnectorError, DataError, NotFoundError, Service, UnknownOutcomeError
from shared.installation.components.kind import ComponentKind, Kind
from shared.installation.desired.state import DesiredState
from shared.installation.organisation.organisation import Organisation
from shared.installation.plan import Action, Step, Survey, writes
from shared.installation.wire.customization_client import CustomizationClient

Sleep = Callable[[float], Awaitable[None]]
"""Waits for seconds."""

_TOMBSTONE_PAUSE = 20.0  # seconds; the name of a component that was deleted minutes ago is taken for a while
_CREATE_ATTEMPTS = 3


async def survey(
    client: CustomizationClient,
    kinds: Sequence[ComponentKind[Any, Any]],
    desired: DesiredState,
    organisation: Organisation,
    only: Collection[Kind],
) -> list[Survey]:
    """Read what exists of each kind in `only`, in order."""
    surveys = []
    for kind in kinds:
        if kind.kind in only:
            wanted = kind.wanted(desired, organisation)
            surveys.append(Survey(kind, wanted, await kind.find(client, wanted, organisation)))
    return surveys


class Installer:
    """Applies the steps of a plan."""

    def __init__(
        self,
        client: CustomizationClient,
        kinds: Sequence[ComponentKind[Any, Any]],
        *,
        report: Callable[[Step], None],
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`report` is told of every step that was done."""
        self._client = client
        self._kinds = {kind.kind: kind for kind in kinds}
        self._report = report
        self._sleep = sleep

    async def apply(self, steps: Sequence[Step], organisation: Organisation) -> None:
        """Do the steps that write, in their order. Raises the first error that repeating does not cure."""
        before: Step | None = None
        for step in writes(steps):
            if before is not None and before.action is Action.CREATE and before.kind is not step.kind:
                await self._sleep(self._kinds[before.kind].settles)
            try:
                await self._do(step, organisation)
            except ConnectorError as error:
                error.add_note(f"while it worked on {step.kind} {step.name}")
                raise
            self._report(step)
            before = step

    async def _do(self, step: Step, organisation: Organisation) -> None:
        kind = self._kinds[step.kind]
        match step.action:
            case Action.CREATE:
                await self._create(kind, step, organisation)
            case Action.CHANGE:
                await kind.change(self._client, step.wanted, step.found, organisation)
            case Action.DELETE:
                try:
                    await kind.remove(self._client, step.wanted, step.found)
                except NotFoundError:
                    return  # something else removed it
            case Action.LEAVE:
                pass

    async def _create(self, kind: ComponentKind[Any, Any], step: Step, organisation: Organisation) -> None:
        """Create a component. If it may exist after all, its answer lost or its name taken, read before repeating."""
        attempt = 1
        while True:
            try:
                await kind.create(self._client, step.wanted, organisation)
            except (UnknownOutcomeError, ConflictError, DataError) as error:
                found = (await kind.find(self._client, [step.wanted], organisation)).get(step.wanted.name)
                if found is not None:
                    if kind.differences(step.wanted, found, organisation):
                        await kind.change(self._client, step.wanted, found, organisation)
                    return
                if attempt == _CREATE_ATTEMPTS or not _worth_repeating(error):
                    raise
            else:
                return
            await self._sleep(_TOMBSTONE_PAUSE)
            attempt += 1


_TAKEN = frozenset({"0x80044363", "0x80040237", "0x80060890", "0x80048d19"})
"""A name that is taken by a component that was deleted lately, or a column that has not spread yet."""


def _worth_repeating(error: ConnectorError) -> bool:
    return isinstance(error, UnknownOutcomeError) or (error.service is Service.DATAVERSE and error.code in _TAKEN)
