"""Updates the rows of Spotler Automation from the published automations and campaigns (AUT-05, AUT-06, SCH-03)."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.features.automation_fields import write_hints
from shared.domain.features.automations import LONGEST_NAME, AutomationKind, AutomationRow, PublishedAutomation
from shared.domain.features.capabilities import CAPABILITY_OFF
from shared.domain.values.values import clipped
from shared.errors import DataError
from shared.ports.dataverse import AutomationRows, AutomationWrite
from shared.ports.marketing_platform import Automations

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The result of a refresh, in rows. `unlisted` are kinds that the account cannot list."""

    new: int = 0
    changed: int = 0
    back: int = 0
    gone: int = 0
    unchanged: int = 0
    unlisted: tuple[AutomationKind, ...] = ()

    def __str__(self) -> str:
        counts = {"new": self.new, "changed": self.changed, "back": self.back, "gone": self.gone}
        listed = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
        text = f"{listed or 'nothing changed'}; {self.unchanged} as before."
        for kind in self.unlisted:
            text += f" Spotler could not be asked for {kind.lower()}s: an administrator must run the connection check."
        return text[0].upper() + text[1:]


class AutomationRefresh:
    """Compares both sides and writes the difference. No row is ever deleted: jobs point to the rows."""

    def __init__(self, automations: Automations, rows: AutomationRows) -> None:
        self._automations = automations
        self._rows = rows

    async def refresh(self) -> Refreshed:
        """Refresh all rows. Raises ConnectorErrors; a repetition continues where it stopped."""
        published, unlisted = await self._published()
        known: dict[tuple[AutomationKind, str], AutomationRow] = {}
        for one in await self._rows.all_automations():
            known.setdefault((one.kind, one.code), one)
        new: list[AutomationWrite] = []
        changed: list[AutomationWrite] = []
        back: list[AutomationWrite] = []
        for automation in published:
            row = known.pop((automation.kind, automation.code), None)
            write = AutomationWrite(
                row=None if row is None else row.id,
                automation=automation,
                fields=write_hints(automation.fields),
                is_active=True,
            )
            if row is None:
                new.append(write)
            elif not row.is_active:
                back.append(write)
            elif not _agrees(row, write):
                changed.append(write)
        gone = [_deactivation(row) for row in known.values() if row.is_active and row.kind not in unlisted]
        await self._rows.write_automations([*new, *changed, *back, *gone])
        refreshed = Refreshed(
            new=len(new),
            changed=len(changed),
            back=len(back),
            gone=len(gone),
            unchanged=len(published) - len(new) - len(changed) - len(back),
            unlisted=unlisted,
        )
        log.info("automations refreshed: %s", refreshed)
        return refreshed

    async def _published(self) -> tuple[Sequence[PublishedAutomation], tuple[AutomationKind, ...]]:
        """List both kinds. Rows of a kind that the account cannot list stay as they are."""
        published: dict[tuple[AutomationKind, str], PublishedAutomation] = {}
        unlisted: list[AutomationKind] = []
        for kind in AutomationKind:
            try:
                found = await self._automations.published(kind)
            except DataError as error:
                if error.code != CAPABILITY_OFF:
                    raise
                unlisted.append(kind)
            else:
                published |= {(one.kind, one.code): one for one in found}
        return list(published.values()), tuple(unlisted)


def _agrees(row: AutomationRow, write: AutomationWrite) -> bool:
    wanted = write.automation
    name = clipped(wanted.name, LONGEST_NAME)
    return (row.name, row.platform_id, row.fields) == (name, wanted.platform_id, write.fields)


def _deactivation(row: AutomationRow) -> AutomationWrite:
    automation = PublishedAutomation(row.kind, row.platform_id, row.code, row.name)
    return AutomationWrite(row=row.id, automation=automation, fields=row.fields, is_active=False)
