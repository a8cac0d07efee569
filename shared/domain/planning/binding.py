"""The stored link of a record to its contact in the marketing platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.domain.merging.flapping import Move
from shared.domain.merging.merge import MergeDecision


class MassChange(StrEnum):
    """What the brake holds when very many records ask for it at once, without each of them having been asked for."""

    ERASURE = "erasure"
    """Contacts that are anonymised or emptied because their records ended. Irreversible."""
    UNSUBSCRIPTION = "unsubscription"
    """Permissions that are switched off although neither the person nor the record refuses them."""
    BLANKING = "blanking"
    """Values that are emptied because a row of the mapping has changed."""
    LIST_REMOVAL = "list-removal"
    """Members that are taken out of a list in Spotler."""


class MailStatus(StrEnum):
    """Whether Spotler may mail the contact, as far as the binding knows."""

    OPEN = "open"
    OPTED_OUT = "opted-out"
    """Bulk Email had been Do Not Allow already when the opt-out was found."""
    OPTED_OUT_HERE = "opted-out-here"
    """Bulk Email became Do Not Allow because of it (OPT-07), and is allowed again when the person comes back."""
    BOUNCED = "bounced"
    CLOSED = "closed"
    """It may not; whether the person opted out or the address failed, the next poll tells."""
    DEACTIVATED = "deactivated"
    """It may not: a Deactivate Contact job asked for that (JOB-12)."""

    @property
    def is_opt_out(self) -> bool:
        """Whether the person opted out in Spotler."""
        return self in {MailStatus.OPTED_OUT, MailStatus.OPTED_OUT_HERE}


@dataclass(frozen=True, slots=True)
class Binding:
    """The stored link of a record to its Spotler contact. `is_live` says whether Spotler holds data of it.

    `initial_merge_done` says that both sides have been compared since then, `since` when Spotler got the first data.
    `base` are fingerprints of what was agreed, `flap_history` and `merge_decisions` what the last merges said of single
    fields. `write_intents` are permissions whose yes is on its way to Spotler, or the refusal of bulk mail that is on
    its way to Dataverse: written down before the call, for a worker that comes after a crash. `default_rows` are
    permission rows that were made with the defaults before the record could meet a contact, and what they said.
    `is_stale`: Spotler's side has changed, and that is not settled: the record was not to be synchronised then, or
    Dataverse could not take it. `refused` are the subjects that were refused at the address when the suppression list
    was last asked. `held_since` says which changes of the record the brake holds, and since when (decision 20).
    """

    external_id: str
    is_live: bool = False
    base: Mapping[str, str] = field(default_factory=dict)
    address: str = ""
    initial_merge_done: bool = False
    since: datetime | None = None
    mail_status: MailStatus = MailStatus.OPEN
    flap_history: Mapping[str, Move] = field(default_factory=dict)
    merge_decisions: Mapping[str, MergeDecision] = field(default_factory=dict)
    write_intents: frozenset[str] = frozenset()
    default_rows: Mapping[str, bool] = field(default_factory=dict)
    is_stale: bool = False
    refused: frozenset[str] = frozenset()
    held_since: Mapping[MassChange, datetime] = field(default_factory=dict)

    def uses(self, external_id: str) -> bool:
        """Whether this contact holds data of the record."""
        return self.is_live and self.external_id == external_id
