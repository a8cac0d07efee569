"""Who calls, and what a call carries into the messages that it causes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from shared.local.sandbox.dataverse.privileges import Rights
from shared.local.sandbox.dataverse.store import RowRef

_BYPASS = "mscrm.bypassbusinesslogicexecution"
_DUPLICATES = "mscrm.suppressduplicatedetection"
_BYPASSED_STEPS = "mscrm.bypassbusinesslogicexecutionstepids"


@dataclass(frozen=True, slots=True)
class Caller:
    """`user` is whom the call acts for, `initiator` the application user that called.

    `rights` are the initiator's. Whoever acts for another user may do what both may, and other users may do everything.
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

    def within(self, query: Mapping[str, str], headers: Mapping[str, str]) -> Caller:
        """Return the caller of one request: single, a batch, or a part of a batch.

        What a batch bypasses its parts bypass too; a tag is that of the part alone. That Dataverse hands on neither
        more nor less is inferred.
        """
        return replace(
            self,
            tag=query.get("tag"),
            skips_async_steps=self.skips_async_steps or "CustomAsync" in _items(headers.get(_BYPASS, "")),
            detects_duplicates=headers.get(_DUPLICATES, "").strip().lower() == "false",
            skipped_steps=self.skipped_steps | _items(headers.get(_BYPASSED_STEPS, "").lower()),
        )


def _items(text: str) -> frozenset[str]:
    return frozenset(item.strip() for item in text.split(",") if item.strip())
