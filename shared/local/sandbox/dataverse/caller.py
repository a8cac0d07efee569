"""Who calls, and what a call carries into the messages that it causes."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.local.sandbox.dataverse.store import RowRef


@dataclass(frozen=True, slots=True)
class Caller:
    """`user` is whom the call acts for, `initiator` the application user that called."""

    user: RowRef
    initiator: RowRef
    base_url: str
    user_agent: str = ""
    correlation_id: str = ""
    request_id: str = ""
    tag: str | None = None
    skips_async_steps: bool = False
    skipped_steps: frozenset[str] = field(default_factory=frozenset)
