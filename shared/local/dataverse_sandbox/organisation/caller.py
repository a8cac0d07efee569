"""The caller of a request, and the properties that the caller's messages carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from shared.local.dataverse_sandbox.organisation.errors import not_implemented, unknown_caller
from shared.local.dataverse_sandbox.organisation.privileges import Rights
from shared.local.dataverse_sandbox.rows.store import RowRef, Store

_BYPASS = "mscrm.bypassbusinesslogicexecution"
_DUPLICATES = "mscrm.suppressduplicatedetection"
_BYPASSABLE = frozenset({"CustomSync", "CustomAsync"})  # synchronous steps are not simulated
_BYPASSED_STEPS = "mscrm.bypassbusinesslogicexecutionstepids"


@dataclass(frozen=True, slots=True)
class Caller:
    """`user` is the user on whose behalf the call acts, `initiator` the application user that called.

    `rights` are the rights of the initiator. On behalf of another user, the rights of both apply; users without an
    entry may do everything.
    """

    user: RowRef
    initiator: RowRef
    rights: Rights
    base_url: str
    user_agent: str = ""
    correlation_id: str = ""
    request_id: str = ""
    tag: str | None = None
    skips_async_steps: bool = False
    detects_duplicates: bool = False
    skipped_steps: frozenset[str] = field(default_factory=frozenset)

    @property
    def behalf(self) -> RowRef | None:
        """The application that acts for another user; None if it acts for itself."""
        return self.initiator if self.initiator != self.user else None

    def within(self, query: Mapping[str, str], headers: Mapping[str, str], store: Store) -> Caller:
        """Return the caller of one request: single, a batch, or a part of a batch.

        The parts of a batch inherit its bypasses; a tag comes from the part alone. Both rules are inferred. WebApiError
        403 if the user to act for does not exist, 501 for a bypass that is not simulated.
        """
        bypassed = _items(headers.get(_BYPASS, ""))
        for logic in bypassed - _BYPASSABLE:
            raise not_implemented(f"The value '{logic}' of the header '{_BYPASS}'")
        return replace(
            self,
            user=_acts_for(headers, store) or self.user,
            tag=query.get("tag"),
            skips_async_steps=self.skips_async_steps or "CustomAsync" in bypassed,
            detects_duplicates=headers.get(_DUPLICATES, "").strip().lower() == "false",
            skipped_steps=self.skipped_steps | _items(headers.get(_BYPASSED_STEPS, "").lower()),
        )


def _acts_for(headers: Mapping[str, str], store: Store) -> RowRef | None:
    """Find a user by the id of the row (`MSCRMCallerID`) or of the account in Entra ID (`CallerObjectId`)."""
    row, account = headers.get("mscrmcallerid", "").lower(), headers.get("callerobjectid", "").lower()
    if not row and not account:
        return None
    for identifier, user in store.rows("systemuser").items():
        if identifier == row or (account and user.get("azureactivedirectoryobjectid") == account):
            return RowRef("systemuser", identifier)
    raise unknown_caller()


def _items(text: str) -> frozenset[str]:
    return frozenset(item.strip() for item in text.split(",") if item.strip())
