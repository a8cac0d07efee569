"""A Spotler contact as a small document: the claim on it, the records that use it, and which of them is primary."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from shared.domain.planning.plan_input import BaseState, SharingRecords
from shared.domain.records.records import RecordKey


class Consent(StrEnum):
    """What a record that uses a Spotler contact says about mail. The strictest of all users counts."""

    ALLOWS = "ok"
    NO_BULK = "no-bulk"
    NO_MAIL = "no-mail"


@dataclass(frozen=True, slots=True)
class HeldContact:
    """A Spotler contact as it is stored, or as the worker that claimed it is going to write it.

    `users` are the records that use the contact. `primary` is the stored primary record, whose values the contact has
    (decision 5); `primary_user` is the current one. `succession` are the fingerprints that a former primary record had
    agreed on; None if no comparison with a successor, present or future, is due. `deactivated_on` is when a job made
    the contact inactive.
    """

    external_id: str
    etag: str
    base_state: BaseState
    users: Mapping[RecordKey, Consent] = field(default_factory=dict)
    primary: RecordKey | None = None
    succession: Mapping[str, str] | None = None
    deactivated_on: datetime | None = None

    @property
    def is_worth_keeping(self) -> bool:
        """Whether the document holds anything: users, a succession, or a doubt."""
        return bool(self.users) or self.succession is not None or self.base_state is BaseState.NOTHING

    @property
    def primary_user(self) -> RecordKey | None:
        """Return the primary user; None if no record needs the contact.

        It stays primary until it leaves. Then, and in documents that name none: the user that the contact's external id
        names, else the first in order.
        """
        needing = sorted(user for user, consent in self.users.items() if consent is not Consent.NO_MAIL)
        if self.primary in needing:
            return self.primary
        named = [user for user in needing if str(user.id) == self.external_id]
        return next(iter((*named, *needing)), None)

    def without(self, *keys: RecordKey) -> Self:
        """Return the contact without some of its users."""
        if self.users.keys().isdisjoint(keys):
            return self
        return replace(self, users={user: consent for user, consent in self.users.items() if user not in keys})

    def sharing_records_of(self, *keys: RecordKey) -> SharingRecords:
        """Return the other users of the contact.

        A record that refuses all mail does not need it, but the refusal counts.
        """
        others = {user: consent for user, consent in self.users.items() if user not in keys}
        primary = self.primary_user
        return SharingRecords(
            keys=tuple(sorted(user for user, consent in others.items() if consent is not Consent.NO_MAIL)),
            refuse_bulk=any(consent is not Consent.ALLOWS for consent in others.values()),
            primary=None if primary in keys else primary,
        )


def read_contact(external_id: str, body: Mapping[str, Any], *, etag: str = "") -> HeldContact:
    """Read what `write_contact` wrote; documents of older versions lack the newer keys."""
    is_doubtful = bool(body.get("claim") or body.get("doubt"))
    primary, deactivated = body.get("primary"), body.get("deactivated")
    return HeldContact(
        external_id,
        etag,
        BaseState.NOTHING if is_doubtful else BaseState.BASE,
        {RecordKey.parse(key): Consent(consent) for key, consent in body.get("users", {}).items()},
        RecordKey.parse(primary) if primary else None,
        body.get("succession"),
        datetime.fromisoformat(deactivated) if deactivated else None,
    )


def write_contact(held: HeldContact) -> dict[str, Any]:
    """Write a contact as JSON, without the claim on it."""
    body: dict[str, Any] = {"users": {str(key): str(consent) for key, consent in sorted(held.users.items())}}
    if (primary := held.primary_user) is not None:
        body["primary"] = str(primary)
    if held.succession is not None:
        body["succession"] = dict(held.succession)
    if held.deactivated_on is not None:
        body["deactivated"] = held.deactivated_on.isoformat()
    if held.base_state is BaseState.NOTHING:
        body["doubt"] = True
    return body
