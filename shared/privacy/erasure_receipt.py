"""The erasure receipt of a person: what is left on both sides, in the state and in the dead letters, and why.

It is evidence for a data protection officer: ids, counts and times, signed, never a value (GDPR 5(2), 17).
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.domain.records.records import RecordKey
from shared.engine.bindings.ledger import Ledger
from shared.ports.clock import Clock
from shared.ports.marketing_platform import MarketingPlatform
from shared.privacy.person_data import PersonData

_NO_DOCUMENTS = frozenset(
    {"record", "exportedAt", "inDataverse", "synchronised", "deadLetters", "addresses", "refusals", "acts"}
    | {"consent", "consentAfterErasure"}
)
"""Members of an export that are no documents, or that are counted or kept under another heading."""

_PURPOSE = b"erasure receipt"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was found of a record at a moment. `is_erased`: nothing is left but what must be kept."""

    record: str
    at: datetime
    in_dataverse: bool
    in_spotler: bool
    contact: str
    documents: int
    dead_letters: int
    refusals_kept: int
    consent_kept: int

    @property
    def is_erased(self) -> bool:
        """Whether nothing is left but refusals and consent under a pseudonym."""
        return not (self.in_dataverse or self.in_spotler or self.documents or self.dead_letters)

    def as_json(self) -> dict[str, Any]:
        """Return the receipt as JSON, without its signature."""
        return {
            "record": self.record,
            "at": self.at.isoformat(timespec="seconds"),
            "erased": self.is_erased,
            "dataverse": {"found": self.in_dataverse},
            "spotler": {"found": self.in_spotler, "contact": self.contact},
            "state": {"documents": self.documents},
            "deadLetters": self.dead_letters,
            "logs": "ids and codes only, kept as long as the workspace of Application Insights keeps them",
            "kept": {"refusalsByFingerprint": self.refusals_kept, "changesOfConsent": self.consent_kept},
        }


async def receipt_of(
    key: RecordKey, person_data: PersonData, ledger: Ledger, platform: MarketingPlatform, clock: Clock
) -> Receipt:
    """Look at both sides, the state and the dead letters. Raises ConnectorErrors."""
    stored = await person_data.export(key)
    contact = (await ledger.entries([key]))[key].binding.external_id
    found = await platform.contact(contact)
    is_known = found is not None and bool(found.properties.get("email"))
    documents = sum(_count(part) for name, part in stored.items() if name not in _NO_DOCUMENTS)
    after = stored["consentAfterErasure"]
    return Receipt(
        record=str(key),
        at=clock.now(),
        in_dataverse=bool(stored["inDataverse"]),
        in_spotler=is_known,
        contact=contact,
        documents=documents,
        dead_letters=len(stored["deadLetters"]),
        refusals_kept=len(stored["refusals"]),
        consent_kept=len(after["changes"]) if isinstance(after, Mapping) and "changes" in after else 0,
    )


def signed(receipt: Mapping[str, Any], key: bytes) -> dict[str, Any]:
    """Return the receipt with its signature (HMAC-SHA256 with a key that is derived from the fingerprint key)."""
    return {**receipt, "signature": _signature(receipt, key)}


def is_genuine(document: Mapping[str, Any], key: bytes) -> bool:
    """Whether a receipt was signed by this connector, and not changed since."""
    content = {name: one for name, one in document.items() if name != "signature"}
    return hmac.compare_digest(str(document.get("signature", "")).encode(), _signature(content, key).encode())


def _signature(content: Mapping[str, Any], key: bytes) -> str:
    derived = hmac.new(key, _PURPOSE, hashlib.sha256).digest()
    text = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    return hmac.new(derived, text, hashlib.sha256).hexdigest()


def _count(part: Any) -> int:
    match part:
        case None:
            return 0
        case list() | tuple():
            return len(part)
        case _:
            return 1
