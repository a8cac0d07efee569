"""Keeps the names of Spotler Permission rows as Spotler has them (PERM-21, PERM-22, SCH-06).

`check`, every night, stores which name belongs to which option, and finds renamed and removed options.
`continue_renames`, every few minutes, checks again if a name has changed since, and renames rows page by page. The
progress is one document, so that a restart continues, with any number of rows.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict

from shared.consent.permission_defaults import ENABLED_DISPLAY_NAME, ENABLED_NAME
from shared.domain.consent.permission_defaults import SEPARATOR
from shared.domain.consent.permission_renames import (
    RememberedNames,
    Rename,
    RenameDifference,
    difference,
    folded,
    replaced,
)
from shared.domain.mapping.language.expression import MapTo, OptionSource
from shared.domain.mapping.model import Mapping as FieldMapping
from shared.domain.records.marketing_contact import PropertyCatalogue
from shared.domain.values.fields import option_name
from shared.messages.lane_messages import Lanes, Permissions
from shared.ports.clock import Clock
from shared.ports.dataverse import EnvironmentVariables, NamedPermission, PermissionRows
from shared.ports.documents import read_one, versioned
from shared.ports.marketing_platform import MarketingPlatform
from shared.ports.queue import QueueName
from shared.ports.state import DocumentKey, StateStore

log = logging.getLogger(__name__)

_PAGE = 1000
_PER_MESSAGE = 100
_BUDGET = timedelta(minutes=2)
"""How long one run renames: well within the time-out of a function, and shorter than the time to the next run."""

_MOST_REFUSED = 200
"""Rows of one rename that Dataverse may refuse: their ids are stored. More refusals have a common cause."""

_SETTLED = timedelta(minutes=65)
"""After this time every process has read the properties again (they are cached for an hour).

Earlier, a process with the old names would take them for a new change. People whose rows had an unknown name are
synchronised then.
"""


class _Step(BaseModel):
    """A rename that is under way.

    `since` is the check before the name changed, `refused` are rows that keep their name.
    """

    model_config = ConfigDict(frozen=True)

    option: str
    old: str
    new: str
    is_reused: bool
    since: datetime
    after: str | None = None
    refused: frozenset[UUID] = frozenset()
    only: frozenset[UUID] = frozenset()
    """The rows that were refused before, in a second attempt: other rows may have the old name by now."""

    def behind(self, after: str | None, refused: Collection[UUID]) -> _Step:
        """Return the step of the next page. Renamed rows are not found again, so that the next page is the first one.

        Where rows are found again, the next page begins where the last one ended: if only the spelling changes, or if
        most rows keep their name.
        """
        ends_there = folded(self.old) == folded(self.new) or bool(self.only)
        return self.model_copy(update={"after": after if ends_there else None, "refused": self.refused | {*refused}})

    def again(self, new: str) -> _Step:
        """Try the refused rows once more; the permission may have another name by now."""
        return self.model_copy(update={"new": new, "after": None, "refused": frozenset(), "only": self.refused})

    def concerns(self, row: NamedPermission) -> bool:
        """Whether this row is to be renamed."""
        return row.name != self.new and row.id not in self.refused and (not self.only or row.id in self.only)


class _Former(BaseModel):
    """A name that rows of an option may still have. `until` is None for rows that could not be renamed."""

    model_config = ConfigDict(frozen=True)

    option: str
    name: str
    until: datetime | None = None


class _StoredNames(BaseModel):
    """The document: names by option, names of removed options, and the steps that remain.

    `waiting` are steps with refused rows: the next check tries them again. `former` are names of completed renames: a
    process may have read a row before it was renamed.
    """

    model_config = ConfigDict(frozen=True)

    version: Literal[1] = 1
    looked: datetime
    names: dict[str, str]
    removed: dict[str, str] = {}
    steps: list[_Step] = []
    waiting: list[_Step] = []
    former: list[_Former] = []

    def after_page(self, page: _Page, now: datetime) -> _StoredNames:
        """Return the names after a page of the first step."""
        _, *others = self.steps
        if page.has_more:
            return self.model_copy(update={"steps": [page.step, *others]})
        waiting = [*self.waiting, page.step] if page.step.refused else self.waiting
        until = None if len(page.step.refused) > _MOST_REFUSED else now + _SETTLED
        former = _Former(option=page.step.option, name=page.step.old, until=until)
        return self.model_copy(
            update={"steps": others, "waiting": waiting, "former": _without_repetition([*self.former, former])}
        )

    def former_at(self, now: datetime, *more: _Former) -> list[_Former]:
        """Return the former names that rows may still have."""
        lasting = [one for one in self.former if one.until is None or one.until > now]
        return _without_repetition([*lasting, *more])

    def by_option(self, now: datetime) -> dict[str, frozenset[str]]:
        """Return, folded, the names that rows of each option may have."""
        pairs = [*self.names.items(), *((one.option, one.name) for one in self.former_at(now))]
        pairs += [(step.option, name) for step in (*self.steps, *self.waiting) for name in (step.old, step.new)]
        found: defaultdict[str, set[str]] = defaultdict(set)
        for option, name in pairs:
            found[option].add(folded(name))
        return {option: frozenset(names) for option, names in found.items()}


def _without_repetition(former: Iterable[_Former]) -> list[_Former]:
    """Keep each name once, for the longest time."""
    found: dict[tuple[str, str], _Former] = {}
    for one in former:
        known = found.get(key := (one.option, folded(one.name)))
        if known is None or one.until is None or (known.until is not None and known.until < one.until):
            found[key] = one
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Page:
    """A page of rows: how many were renamed, the step as it is now, and whether more pages follow."""

    renamed: int
    step: _Step
    has_more: bool


@dataclass(frozen=True, slots=True)
class _StoredDocument:
    stored: _StoredNames
    etag: str


class PermissionNames:
    """Follows the names of the permissions that a mapping keeps in Spotler Permission rows."""

    def __init__(
        self,
        *,
        rows: PermissionRows,
        variables: EnvironmentVariables,
        platform: MarketingPlatform,
        lanes: Lanes,
        store: StateStore,
        clock: Clock,
        mapping: FieldMapping,
        environment: str,
        prefix: str,
    ) -> None:
        """`prefix` is the publisher's prefix of the environment variables."""
        self._rows = rows
        self._variables = variables
        self._platform = platform
        self._lanes = lanes
        self._store = store
        self._clock = clock
        self._properties = _properties(mapping)
        self._variable = f"{prefix}_{ENABLED_NAME}"
        self._key = DocumentKey(f"{environment}-permissions", "names")

    # ------------------------------------------------------------------------------------------------------- nightly

    async def check(self) -> None:
        """Compare the names with those of the last check. Raises ConnectorErrors; then the next check repeats it."""
        names = self._names(await self._platform.properties())
        if not names:
            return  # an account without any permissions has not removed them one by one
        now = self._clock.now()
        document = await self._read()
        if document is None:
            await self._write(_StoredNames(looked=now, names=names), "")
            return
        stored = document.stored
        if stored.steps or now - stored.looked < _SETTLED:
            return  # one after the other: the next check follows
        mapped = {option: name for option, name in stored.names.items() if self._is_mapped(option)}
        found = difference(mapped, names)
        gone = {**stored.removed, **found.removed}
        used = await self._rows.in_use(list(dict.fromkeys(gone.values()))) if gone else frozenset()
        current = set(map(folded, names.values()))
        removed = {
            option: name
            for option, name in gone.items()
            if name in used and self._is_mapped(option) and option not in names and folded(name) not in current
        }
        _log_changes(found, removed)
        await self._rename_in_variable(found.renames)
        steps = [step.again(names[step.option]) for step in stored.waiting if step.option in names]
        steps += [
            _Step(option=one.option, old=one.old, new=one.new, is_reused=one.is_reused, since=stored.looked)
            for one in found.renames
        ]
        # Rows of names that several options share stay as they are: their names keep their meaning.
        former = stored.former_at(now, *(_Former(option=one, name=stored.names[one]) for one in found.ambiguous))
        stored = _StoredNames(looked=now, names=names, removed=removed, steps=steps, former=former)
        await self._write(stored, document.etag)

    async def _rename_in_variable(self, renames: Iterable[Rename]) -> None:
        """Rename entries in the variable of enabled permissions, or an exception from `[All]` would lapse (ENV-14)."""
        found = [rename for rename in renames if not rename.is_reused]
        variable = await self._variables.find_variable(self._variable, ENABLED_DISPLAY_NAME) if found else None
        if variable is not None and variable.value:
            value = replaced(variable.value, found, SEPARATOR)
            if value != variable.value:
                await self._variables.set_variable(variable, value)

    # --------------------------------------------------------------------------------------------- every few minutes

    async def continue_renames(self) -> int:
        """Rename rows for two minutes, or until all are done; return how many. Raises ConnectorErrors.

        A crash repeats a page: renamed rows are not found again. Without renames it costs one read.
        """
        end = self._clock.now() + _BUDGET
        document = await self._read()
        if document is None or document.stored.names != self._names(await self._platform.properties()):
            await self.check()
        count = 0
        while (document := await self._read()) is not None and document.stored.steps and self._clock.now() < end:
            page = await self._page(document.stored.steps[0])
            count += page.renamed
            if not await self._write(document.stored.after_page(page, self._clock.now()), document.etag):
                break  # another worker renames
        if count:
            log.info("%d rows of renamed permissions have their new name", count)
        return count

    async def _page(self, step: _Step) -> _Page:
        """Rename one page of rows."""
        page = await self._rows.named(
            step.old, created_before=step.since if step.is_reused else None, after=step.after, limit=_PAGE
        )
        rows = [row for row in page.rows if step.concerns(row)]
        # A row may have been changed while Spotler had no such name: its person is synchronised again. The message is
        # sent before the rows are renamed, because afterwards these rows cannot be told from others.
        touched = [row.id for row in rows if row.modified_on >= step.since]
        for start in range(0, len(touched), _PER_MESSAGE):
            message = Permissions(permissions=touched[start : start + _PER_MESSAGE], correlation=str(uuid4()))
            await self._lanes.send_later(QueueName.BULK, message, self._clock.now() + _SETTLED)
        refused = await self._rows.rename([row.id for row in rows], step.new)
        for identifier in sorted(refused):
            log.warning("Dataverse refused to rename row %s of permission %s", identifier, step.option)
        following = step.behind(page.after, refused)
        has_more = page.after is not None and len(following.refused) <= _MOST_REFUSED
        return _Page(len(rows) - len(refused), following, has_more)

    # ------------------------------------------------------------------------------------------------------ planning

    async def remembered(self) -> RememberedNames:
        """Return the names that rows may have while a rename is not complete. Raises ConnectorErrors.

        They include the names of the last check: a newer rename in Spotler was not noticed yet. Without stored names,
        the current ones are stored.
        """
        document = await self._read()
        if document is None:
            await self.check()
            return RememberedNames()
        return RememberedNames(document.stored.by_option(self._clock.now()))

    # ------------------------------------------------------------------------------------------------------- reports

    async def state(self) -> dict[str, Any]:
        """Return as JSON the renames under way or refused, and removed options whose name rows still have (PERM-22)."""
        document = await self._read()
        stored = document.stored if document else None
        return {
            "renaming": [step.option for step in stored.steps] if stored else [],
            "refusedInDataverse": [step.option for step in stored.waiting] if stored else [],
            "removedInSpotler": sorted(stored.removed) if stored else [],
        }

    # --------------------------------------------------------------------------------------------------------- state

    def _names(self, catalogue: PropertyCatalogue) -> dict[str, str]:
        return {
            option_name(definition.name, entry.bit): entry.label.strip()
            for definition in catalogue.definitions
            if definition.name in self._properties
            for entry in definition.entries
            if entry.label.strip()
        }

    def _is_mapped(self, option: str) -> bool:
        return option.rpartition(":")[0] in self._properties

    async def _read(self) -> _StoredDocument | None:
        found = await read_one(self._store, self._key)
        return _StoredDocument(_StoredNames.model_validate(found.body), found.etag) if found else None

    async def _write(self, stored: _StoredNames, etag: str) -> bool:
        (written,) = await self._store.write([versioned(self._key, stored.model_dump(mode="json"), etag)])
        return written is not None


def _properties(mapping: FieldMapping) -> frozenset[str]:
    """Return the Spotler properties that Spotler Permission rows fill; other targets have names of their own."""
    target = MapTo(OptionSource.PERMISSIONS)
    return frozenset(row.property_name for row in mapping.rows if target in row.sources.values())


def _log_changes(found: RenameDifference, removed: Mapping[str, str]) -> None:
    """Log options only: names are the customer's own words."""
    for rename in found.renames:
        log.info("permission %s was renamed in Spotler", rename.option)
    for option in found.ambiguous:
        log.warning("permission %s was renamed, but shares its name with another one: its rows stay", option)
    for option in removed:
        log.warning("permission %s was removed from Spotler; its rows in Dataverse are to be removed by hand", option)
