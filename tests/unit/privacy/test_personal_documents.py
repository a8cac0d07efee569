"""Every kind of document that the connector stores is listed as naming people or not."""

from __future__ import annotations

import re
from pathlib import Path

PERSONAL = {
    *("binding", "contact", "address", "suppressed", "bounce", "brake", "review", "lists", "list-", "consent"),
    *("consent-erased", "engaged", "engagement-refused", "clicks"),
    *("run", "console-audit", "console-put-back", "shadow", "forecast"),
}
"""Kinds of documents that may name a person."""
IMPERSONAL = {
    *("capability", "permissions", "reconcile", "drift", "poll", "mapping", "keys", "consent-walk"),
    *("circuit", "compare", "walk"),  # a comparison notes the contacts in hand, as a poll does, until the next step
    *("mailing", "mailing-tally", "engagement-weights"),  # numbers of people, and points
    *("engagement",),  # the nightly walk over people notes where it is, until its end
    *("activity", "standing", "console", "mode"),  # counts; the proposal of a mapping, and the digest of a used link
    *("round-trip", "nights", "timer"),  # times and counts
    *("sweep", "job"),  # ids of Spotler Jobs; their rows in Dataverse name the people
}


def test_every_kind_of_document_is_listed_as_naming_people_or_not() -> None:
    """A new kind of document is decided here, and `person_documents` finds people in it."""
    root = Path(__file__).parents[3] / "shared"
    found = {
        kind.rstrip("-") if kind != "list-" else kind
        for path in root.rglob("*.py")
        if "local" not in path.parts
        for kind in re.findall(r'f"\{(?:self\._?)?environment\}-([a-z-]+)', path.read_text(encoding="utf-8"))
    }
    assert found == PERSONAL | IMPERSONAL
