"""The places of fingerprints in the documents of the state store, for a change of the key."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Body = Mapping[str, Any]
Rewriting = Callable[[Body, Callable[[str], str]], Body]
"""Rewrites every fingerprint of a body."""
Joining = Callable[[Body, Body], Body]
"""Joins two documents that stand for the same address or person, the older one first."""


@dataclass(frozen=True, slots=True)
class FingerprintPlace:
    """Where the fingerprints of a kind of documents are.

    `rewrite`: in bodies. `join`: the row is a fingerprint, and this joins two documents that have the same; None where
    rows are something else.
    """

    rewrite: Rewriting | None = None
    join: Joining | None = None

    def prints(self, row: str, body: Body) -> Iterator[str]:
        """Yield every fingerprint of a document as it is stored."""
        if self.join is not None:
            yield row
        if self.rewrite is not None:
            found: list[str] = []

            def note(text: str) -> str:
                found.append(text)
                return text

            self.rewrite(body, note)
            yield from found


def fingerprint_places(environment: str) -> dict[str, FingerprintPlace]:
    """Return the places of one environment, by partition."""
    return {
        f"{environment}-binding": FingerprintPlace(_of_binding),
        f"{environment}-contact": FingerprintPlace(_of_contact),
        f"{environment}-bounce": FingerprintPlace(_of_address),
        f"{environment}-review": FingerprintPlace(_of_address),
        f"{environment}-mode": FingerprintPlace(_of_mode),
        f"{environment}-clicks": FingerprintPlace(_of_clicks),
        f"{environment}-address": FingerprintPlace(join=_newer),
        f"{environment}-suppressed": FingerprintPlace(join=_refusals),
        f"{environment}-consent-erased": FingerprintPlace(join=_changes),
    }


def _of_binding(body: Body, rewrite: Callable[[str], str]) -> Body:
    base = {name: rewrite(text) for name, text in body["base"].items()}
    return {**body, "base": base, "address": rewrite(body["address"])}


def _of_contact(body: Body, rewrite: Callable[[str], str]) -> Body:
    if not body.get("succession"):
        return body
    return {**body, "succession": {name: rewrite(text) for name, text in body["succession"].items()}}


def _of_address(body: Body, rewrite: Callable[[str], str]) -> Body:
    return {**body, "address": rewrite(body["address"])}


def _of_mode(body: Body, rewrite: Callable[[str], str]) -> Body:
    return {**body, "allowed": [rewrite(text) for text in body.get("allowed", ())]}


def _of_clicks(body: Body, rewrite: Callable[[str], str]) -> Body:
    return {rewrite(domain): people for domain, people in body.items()}


def _newer(_older: Body, newer: Body) -> Body:
    """Keep the document under the current key: it was written later."""
    return newer


def _refusals(older: Body, newer: Body) -> Body:
    """Keep each refusal once; of two with different times the later one counts, and a refusal before its lifting."""
    known: dict[tuple[str, str], Body] = {}
    for one in (*older["refusals"], *newer["refusals"]):
        place = (one["subject"], one.get("record", ""))
        if place not in known or _later(one) > _later(known[place]):
            known[place] = one
    return {**older, **newer, "refusals": [known[place] for place in sorted(known)]}


def _later(refusal: Body) -> tuple[datetime, bool]:
    return datetime.fromisoformat(refusal.get("lifted") or refusal["at"]), not refusal.get("lifted")


def _changes(older: Body, newer: Body) -> Body:
    changes = {tuple(sorted(one.items())): one for one in (*older["changes"], *newer["changes"])}
    return {**older, **newer, "changes": sorted(changes.values(), key=lambda one: str(one["at"]))}
