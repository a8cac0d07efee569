"""The page of a person tells in one list what happened, newest first."""

from __future__ import annotations

from shared.console.rendering.happenings import What, happenings


def test_changes_refusals_bounces_holds_and_the_last_outcome_stand_in_one_list_by_time() -> None:
    report = {
        "record": "contact:1",
        "consent": [{"at": "2026-11-03T10:00:00.123+00:00", "subject": "opt-out"}],
        "refusedAtAddress": [
            {"record": "lead:2", "at": "2026-11-01T10:00:00+00:00", "lifted": "2026-11-06T10:00:00+00:00"},
            {"record": "contact:1", "at": "2026-11-03T10:00:00+00:00", "lifted": None},
        ],
        "bounces": [{"since": "2026-11-02T10:00:00+00:00", "last": "2026-11-05T10:00:00+00:00", "kind": "soft"}],
        "heldSince": {"erasure": "2026-11-04T10:00:00+00:00"},
        "lastOutcome": {"at": "2026-11-07T10:00:00+00:00", "reason": "erased"},
    }

    assert [one.what for one in happenings(report)] == [
        What.OUTCOME,
        What.ALLOWED,
        What.BOUNCED,
        What.HELD,
        What.CONSENT,  # its own refusal is this change
        What.BOUNCED,
        What.REFUSED,
    ]


def test_nothing_has_happened_to_a_record_that_was_never_met() -> None:
    nothing = {"record": "contact:1", "consent": [], "refusedAtAddress": [], "bounces": [], "heldSince": {}}

    assert happenings({**nothing, "lastOutcome": None}) == []
