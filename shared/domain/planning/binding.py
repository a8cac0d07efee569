"""The stored link of a record to its contact in the marketing platform."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.domain.merging.flapping import Move
from shared.domain.merging.merge import MergeDecision
from shared.domain.records.marketing_contact import MarketingContact


class MassChange(StrEnum):
    """A kind of change that the brake holds when very many records cause it at once."""

    ERASURE = "erasure"
    """Contacts that are anonymised or emptied because their records ended. Irreversible."""
    UNSUBSCRIPTION = "unsubscription"
    """Permissions that are switched off although neither the person nor the record refuses them."""
    BLANKING = "blanking"
    """Values that are emptied because a row of the mapping has changed."""
    LIST_REMOVAL = "list-removal"
    """Members that are removed from a list in the platform."""


class MailStatus(StrEnum):
    """Whether the platform may mail the contact, as far as the binding shows."""

    OPEN = "open"
    OPTED_OUT = "opted-out"
    """Bulk Email had been Do Not Allow already when the opt-out was found."""
    OPTED_OUT_HERE = "opted-out-here"
    """Bulk Email became Do Not Allow because of the opt-out (OPT-07), and is allowed again when the opt-out ends."""
    BOUNCED = "bounced"
    CLOSED = "closed"
    """It may not. The next poll shows whether the person opted out or the address failed."""
    DEACTIVATED = "deactivated"
    """It may not: a Deactivate Contact job asked for that (JOB-12)."""

    @property
    def is_opt_out(self) -> bool:
        """Whether the person opted out in the platform."""
        return self in {MailStatus.OPTED_OUT, MailStatus.OPTED_OUT_HERE}


@dataclass(frozen=True, slots=True)
class Binding:
    """The stored link of a record to its contact. `is_live`: the platform holds data of the record.

    `initial_merge_done`: both sides have been compared since then; `since` is when the platform got the first data.
    `base` are the fingerprints of what both sides agreed on, `flap_history` and `merge_decisions` the results of the
    last merges by field. `write_intents` are permissions whose yes is being sent, or the refusal of bulk mail that is
    being written to Dataverse: stored before the call, for the worker after a crash. `default_rows` are the answers of
    permission rows that were made from the defaults before the first merge. `is_stale`: a change in the platform is not
    merged yet, because the record was not to be synchronised, or Dataverse refused it. `refused` are the subjects that
    were refused at the address when the suppression list was last read. `held_since` has the kinds of changes that the
    brake holds, and since when (decision 20). `unmerged_yes` are permissions that were on in the platform while the
    record was not to be synchronised: a person who takes one of them back withdraws it.
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
    unmerged_yes: frozenset[str] = frozenset()

    def agrees_on_mail(self, contact: MarketingContact) -> bool:
        """Whether the contact can be mailed, or not, as the binding has it."""
        is_closed = self.mail_status is not MailStatus.OPEN
        return self.mail_status is not MailStatus.CLOSED and contact.is_unreachable is is_closed

    def uses(self, external_id: str) -> bool:
        """Whether this contact holds data of the record."""
        return self.is_live and self.external_id == external_id
