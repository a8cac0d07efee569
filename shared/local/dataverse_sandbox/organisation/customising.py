"""How an organisation resists customisation: all of it is off until a test or a person switches it on.

Source: Microsoft's page "Block unmanaged customizations", and public notes on customisation locks, unsettled
definitions, and apps that are lost without notice. The code of the block is inferred.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.local.dataverse_sandbox.metadata.schema import Schema
from shared.local.dataverse_sandbox.organisation.errors import WebApiError

_ALWAYS_ALLOWED = frozenset({"environmentvariablevalue"})
_SWITCHES = frozenset({"statecode", "statuscode"})


@dataclass
class Customising:
    """The resistance.

    `blocked` refuses unmanaged customisations; `locked` is the number of changes that meet another operation's lock.
    With `unsettled`, the first change of metadata after each new table fails once. `stale` is the number of reads
    without `Consistency: Strong` that still see the schema before the last change. With `loses_apps`, an app without
    client type and form factor is not stored, though the answer says so. Without `builds_keys`, indexes of new keys are
    pending.
    """

    blocked: bool = False
    locked: int = 0
    unsettled: bool = False
    stale: int = 0
    loses_apps: bool = False
    builds_keys: bool = True
    _trips: bool = False
    _stale_left: int = 0
    _before: Schema | None = None

    def admit(self, what: str = "") -> None:
        """Let a customisation pass; WebApiError if it meets the block or a lock. `what` is the table of a row."""
        if self.blocked and what not in _ALWAYS_ALLOWED:
            raise WebApiError(
                403,
                "0x80072558",
                "Unmanaged customizations are blocked in this environment. Import a managed solution, or ask the "
                "administrator to switch the setting 'Block unmanaged customizations' off.",
            )
        if self.locked > 0:
            self.locked -= 1
            raise WebApiError(
                429,
                "0x80071151",
                "Cannot start the requested operation [Publish] because there is another [Import] running at this "
                "moment.",
            )

    def admit_row(self, table: str, names: frozenset[str]) -> None:
        """Let a write to the row of a component pass; a step can be switched on and off in spite of a block."""
        if not (table == "sdkmessageprocessingstep" and names and names <= _SWITCHES):
            self.admit(table)

    def admit_metadata(self) -> None:
        """Let a change of metadata pass, unless the last new table is not settled yet."""
        self.admit()
        if self._trips:
            self._trips = False
            raise WebApiError(400, "0x80040216", "An unexpected error occurred.")

    def changed(self, before: Schema, *, has_new_table: bool) -> None:
        """Note a change of metadata, which is not settled for a moment."""
        self._trips = self.unsettled and has_new_table
        self._before, self._stale_left = before, self.stale

    def seen(self, current: Schema, consistency: str) -> Schema:
        """Return the schema that a read sees."""
        if consistency.strip().lower() == "strong" or self._before is None or self._stale_left <= 0:
            return current
        self._stale_left -= 1
        return self._before
