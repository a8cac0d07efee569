"""A binding as a small document: ids, fingerprints, codes and times, never a value. What is nothing is not written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.core.flapping import Move
from shared.core.merge import Verdict
from shared.core.situation import Binding, MassChange, Reach


def read_binding(body: Mapping[str, Any]) -> Binding:
    """Read what `write_binding` wrote; documents of older versions lack the newer keys."""
    since = body.get("since")
    return Binding(
        external_id=str(body["contact"]),
        is_live=bool(body["live"]),
        base=dict(body["base"]),
        address=str(body["address"]),
        has_met=bool(body.get("met", False)),
        since=datetime.fromisoformat(since) if since else None,
        reach=Reach(body.get("reach", Reach.OPEN)),
        moves={name: Move.parse(text) for name, text in body.get("moves", {}).items()},
        verdicts={name: Verdict(text) for name, text in body.get("verdicts", {}).items()},
        announced=frozenset(body.get("announced", ())),
        early={name: bool(answer) for name, answer in body.get("early", {}).items()},
        is_stale=bool(body.get("stale", False)),
        refused=frozenset(body.get("refused", ())),
        held_since={MassChange(kind): datetime.fromisoformat(at) for kind, at in body.get("held", {}).items()},
    )


def write_binding(binding: Binding) -> dict[str, Any]:
    """Write a binding as JSON."""
    body: dict[str, Any] = {
        "contact": binding.external_id,
        "live": binding.is_live,
        "base": dict(binding.base),
        "address": binding.address,
    }
    if binding.has_met:
        body["met"] = True
    if binding.since is not None:
        body["since"] = binding.since.isoformat(timespec="seconds")
    if binding.reach is not Reach.OPEN:
        body["reach"] = str(binding.reach)
    if binding.moves:
        body["moves"] = {name: str(move) for name, move in binding.moves.items()}
    if binding.verdicts:
        body["verdicts"] = {name: str(verdict) for name, verdict in binding.verdicts.items()}
    if binding.announced:
        body["announced"] = sorted(binding.announced)
    if binding.early:
        body["early"] = dict(binding.early)
    if binding.is_stale:
        body["stale"] = True
    if binding.refused:
        body["refused"] = sorted(binding.refused)
    if binding.held_since:
        body["held"] = {str(kind): at.isoformat() for kind, at in binding.held_since.items()}
    return body
