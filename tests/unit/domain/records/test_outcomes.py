"""What people see of a look at a record: Spotler Status and a sentence that says why (STA-04, STA-05, VAL-09)."""

from __future__ import annotations

from itertools import product
from uuid import UUID

import pytest

from shared.domain.records.outcomes import TEXTS, FieldProblem, Outcome, Reason, Result
from shared.domain.records.records import PersonTable, RecordKey, SyncStatus

KEY = RecordKey(PersonTable.CONTACT, UUID(int=1))
POSTCODE = FieldProblem("postalCode", "address1_postalcode", "the Dutch format")


def test_every_reason_has_a_sentence() -> None:
    assert set(TEXTS) == set(Reason)
    assert all(text.endswith(".") for text in TEXTS.values())


@pytest.mark.parametrize(("result", "reason"), list(product(Result, Reason)))
def test_every_outcome_has_a_status_and_a_text(result: Result, reason: Reason) -> None:
    outcome = Outcome(KEY, result, reason)
    assert outcome.status in {*SyncStatus, None}
    carries_on = (result, reason) == (Result.SKIPPED, Reason.LEAD_SYNC_DISABLED)
    assert (outcome.status is SyncStatus.DISABLED) is carries_on, "only a person disables, a lead or a contact (STA-05)"
    assert TEXTS[reason] in outcome.text


@pytest.mark.parametrize(
    ("result", "reason", "status"),
    [
        (Result.WRITTEN, Reason.CREATED, SyncStatus.SUCCEEDED),
        (Result.UNCHANGED, Reason.AGREED, SyncStatus.SUCCEEDED),
        (Result.ANONYMISED, Reason.NO_EMAIL, SyncStatus.SUCCEEDED),
        (Result.KEPT, Reason.STILL_USED, SyncStatus.SUCCEEDED),
        (Result.WAITING, Reason.THROTTLED, SyncStatus.PROCESSING),
        (Result.FAILED, Reason.INVALID_EMAIL, SyncStatus.FAILED),  # C-35
        (Result.FAILED, Reason.OPTED_OUT, SyncStatus.OPT_OUT),  # OPT-07
        (Result.SKIPPED, Reason.NO_EMAIL, SyncStatus.FAILED),  # VAL-09: found by a query over failed records
        (Result.SKIPPED, Reason.INACTIVE, SyncStatus.SUCCEEDED),
        (Result.SKIPPED, Reason.FILTERED, SyncStatus.SUCCEEDED),
        (Result.SKIPPED, Reason.SYNC_DISABLED, None),  # the row belongs to the person who disabled it
        (Result.SKIPPED, Reason.OPTED_OUT, None),
        (Result.SKIPPED, Reason.LEAD_QUALIFIED, None),
        (Result.SKIPPED, Reason.DELETED, None),
        (Result.SKIPPED, Reason.ENVIRONMENT_OFF, None),
        (Result.SKIPPED, Reason.TABLE_OFF, None),
    ],
)
def test_spotler_status_follows_from_the_outcome(result: Result, reason: Reason, status: SyncStatus | None) -> None:
    assert Outcome(KEY, result, reason).status is status


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        (Outcome(KEY, Result.WRITTEN, Reason.CREATED), "Created in Spotler."),
        (
            Outcome(KEY, Result.WRITTEN, Reason.UPDATED, problems=(POSTCODE,)),
            "Updated in Spotler. Left out: address1_postalcode: Spotler's postalCode expects the Dutch format.",
        ),
        (
            Outcome(KEY, Result.FAILED, Reason.INVALID_VALUE, problems=(POSTCODE,)),
            "A field does not fit Spotler. Wrong: address1_postalcode: Spotler's postalCode expects the Dutch format.",
        ),
        (
            Outcome(KEY, Result.UNCHANGED, Reason.AGREED, permissions_off=True),
            (
                f"{TEXTS[Reason.AGREED]} All permissions are off: this record, or another one with its e-mail "
                "address, refuses mail."
            ),
        ),
        (
            Outcome(KEY, Result.FAILED, Reason.REFUSED, detail="mobileNumber is no number"),
            "Spotler refused the data. Answer: mobileNumber is no number",
        ),
        (Outcome(KEY, Result.SKIPPED, Reason.INACTIVE), "Not sent to Spotler. The record is inactive."),
        (Outcome(KEY, Result.ANONYMISED, Reason.DELETED), "Anonymised in Spotler. The record was deleted."),
        (
            Outcome(KEY, Result.KEPT, Reason.STILL_USED),
            "Spotler contact kept. Another active record still uses this Spotler contact.",
        ),
    ],
)
def test_the_text_says_what_happened_and_why(outcome: Outcome, text: str) -> None:
    assert outcome.text == text
