"""A binding as a small document: ids, fingerprints, codes and times, never a value. Empty members are left out."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple

from shared.domain.merging.flapping import Move
from shared.domain.merging.merge import MergeDecision
from shared.domain.planning.binding import Binding, MailStatus, MassChange
from shared.domain.records.outcomes import Outcome
from shared.ports.state import Document


@dataclass(frozen=True, slots=True)
class LastOutcome:
    """The outcome of a record at its last attempt."""

    result: str
    reason: str
    at: str
    correlation: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the ledger knows of one record. `etag` is the version of its document, empty where there is none."""

    binding: Binding
    outcome: LastOutcome | None = None
    etag: str = ""


class BindingUpdate(NamedTuple):
    """A binding to be saved, with the outcome and the correlation id that led to it."""

    binding: Binding
    outcome: Outcome
    correlation: str


def read_binding(body: Mapping[str, Any]) -> Binding:
    """Read what `write_binding` wrote; documents of older versions lack the newer keys."""
    since = body.get("since")
    return Binding(
        external_id=str(body["contact"]),
        is_live=bool(body["live"]),
        base=dict(body["base"]),
        address=str(body["address"]),
        initial_merge_done=bool(body.get("met", False)),
        since=datetime.fromisoformat(since) if since else None,
        mail_status=MailStatus(body.get("reach", MailStatus.OPEN)),
        flap_history={name: Move.parse(text) for name, text in body.get("moves", {}).items()},
        merge_decisions={name: MergeDecision(text) for name, text in body.get("verdicts", {}).items()},
        write_intents=frozenset(body.get("announced", ())),
        default_rows={name: bool(answer) for name, answer in body.get("early", {}).items()},
        is_stale=bool(body.get("stale", False)),
        refused=frozenset(body.get("refused", ())),
        held_since={MassChange(kind): datetime.fromisoformat(at) for kind, at in body.get("held", {}).items()},
        unmerged_yes=frozenset(body.get("unmergedYes", ())),
    )


def write_binding(binding: Binding) -> dict[str, Any]:
    """Write a binding as JSON."""
    body: dict[str, Any] = {
        "contact": binding.external_id,
        "live": binding.is_live,
        "base": dict(binding.base),
        "address": binding.address,
    }
    newer: dict[str, Any] = {
        "met": binding.initial_merge_done,
        "since": binding.since.isoformat(timespec="seconds") if binding.since is not None else None,
        "reach": str(binding.mail_status) if binding.mail_status is not MailStatus.OPEN else None,
        "moves": {name: str(move) for name, move in binding.flap_history.items()},
        "verdicts": {name: str(decision) for name, decision in binding.merge_decisions.items()},
        "announced": sorted(binding.write_intents),
        "early": dict(binding.default_rows),
        "stale": binding.is_stale,
        "refused": sorted(binding.refused),
        "held": {str(kind): at.isoformat() for kind, at in binding.held_since.items()},
        "unmergedYes": sorted(binding.unmerged_yes),
    }
    return body | {name: value for name, value in newer.items() if value}


def read_entry(document: Document) -> Entry:
    """Read the document of a record."""
    return Entry(read_binding(document.body), LastOutcome(**document.body["outcome"]), document.etag)


def write_update(update: BindingUpdate, at: str) -> dict[str, Any]:
    """Write the document of a record as JSON; `at` is the time of the outcome (ISO 8601)."""
    outcome = LastOutcome(str(update.outcome.result), str(update.outcome.reason), at, update.correlation)
    return {**write_binding(update.binding), "outcome": asdict(outcome)}
