"""Surveys an organisation, and applies a plan: one component after the other."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from typing import Any

from shared.errors import ConflictError, ConnectorError, DataError, NotFoundError, Service, UnknownOutcomeError
from shared.installation.components.kind import ComponentKind, Kind
from shared.installation.desired.state import DesiredState
from shared.installation.organisation.organisation import Organisation
from shared.installation.plan import Action, Step, Survey, writes
from shared.installation.wire.customization_client import CustomizationClient
from shared.installation.wire.publication import Publication, publish

Sleep = Callable[[float], Awaitable[None]]
"""Waits for seconds."""

Report = Callable[[Step | Publication], None]
"""Is told how an installation gets on."""

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
        report: Report,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`report` is told of every step that was done, and of every publication that begins."""
        self._client = client
        self._kinds = {kind.kind: kind for kind in kinds}
        self._report = report
        self._sleep = sleep

    async def apply(self, steps: Sequence[Step], organisation: Organisation) -> None:
        """Do the steps that write, in their order, and publish what they wrote.

        Raises the first error that repeating does not cure; what was done before it is published.
        """
        before: Step | None = None
        pending: Publication = frozenset()
        for step in writes(steps):
            if before is not None and before.kind is not step.kind:
                pending = await self._between(before, step, pending)
            try:
                pending |= await self._do(step, organisation)
            except ConnectorError as error:
                error.add_note(f"while it worked on {step.kind} {step.name}")
                if error.detail and step.kind is not Kind.ENDPOINT:  # its text might quote the key
                    error.add_note(f"Dataverse says: {error.detail}")
                with suppress(ConnectorError):  # the first error says more
                    await self._publish(pending)
                raise
            self._report(step)
            before = step
        await self._publish(pending)

    async def _between(self, before: Step, step: Step, pending: Publication) -> Publication:
        """Do what the next kind needs of the one before; return what is still to be published."""
        if before.action is Action.CREATE:
            await self._sleep(self._kinds[before.kind].settles)
        if step.action is not Action.DELETE:
            return pending
        # Dataverse refuses to delete what a published component shows: a view of a subgrid, a script of a form.
        await self._publish(pending)
        return frozenset()

    async def _publish(self, publication: Publication) -> None:
        if publication:
            self._report(publication)
            await publish(self._client, publication)

    async def _do(self, step: Step, organisation: Organisation) -> Publication:
        kind, done = self._kinds[step.kind], None
        match step.action:
            case Action.CREATE:
                done = await self._create(kind, step, organisation)
            case Action.CHANGE:
                done = await kind.change(self._client, step.wanted, step.found, organisation)
            case Action.DELETE:
                with suppress(NotFoundError):  # something else removed it
                    done = await kind.remove(self._client, step.wanted, step.found)
            case Action.LEAVE:
                pass
        return done or frozenset()

    async def _create(
        self, kind: ComponentKind[Any, Any], step: Step, organisation: Organisation
    ) -> Publication | None:
        """Create a component. If it may exist after all, its answer lost or its name taken, read before repeating."""
        attempt = 1
        while True:
            try:
                return await kind.create(self._client, step.wanted, organisation)
            except (UnknownOutcomeError, ConflictError, DataError) as error:
                found = (await kind.find(self._client, [step.wanted], organisation)).get(step.wanted.name)
                if found is not None:
                    if kind.differences(step.wanted, found, organisation):
                        return await kind.change(self._client, step.wanted, found, organisation)
                    return None
                if attempt == _CREATE_ATTEMPTS or not _worth_repeating(error):
                    raise
            await self._sleep(_TOMBSTONE_PAUSE)
            attempt += 1


_TAKEN = frozenset({"0x80044363", "0x80040237", "0x80060890", "0x80048d19"})
"""A name that is taken by a component that was deleted lately, or a column that has not spread yet."""


def _worth_repeating(error: ConnectorError) -> bool:
    return isinstance(error, UnknownOutcomeError) or (error.service is Service.DATAVERSE and error.code in _TAKEN)
