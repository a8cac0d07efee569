"""Histories of mailings after which a score or a campaign response was wrong, as short as they could be made."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.engagement.mailings import MailingKind
from tests.examples import sample
from tests.property.histories.test_engagement_histories import Act, lives_through, one_by_one


async def test_a_score_that_a_dead_worker_has_written_is_written_again() -> None:
    acts: list[Act] = [
        ("send", MailingKind.EMAIL, True),
        ("wait", timedelta(seconds=1)),
        ("die", 1, False),
        ("poll", 0),
        ("poll", 0),
        ("refuse", 2),
        ("click", 0, 0, 0, "1"),
        ("click", 0, 0, 0, "1"),
        ("crowd", 0, 0, (0, -6, False), (1, -6, False), (0, -6, True)),
        ("beside", 0, 1, "own", 0, "2"),
        ("die", 38, False),
        ("poll", 1),
        ("click", 0, 1, 0, "1"),
    ]

    await lives_through(
        list(one_by_one(acts)), in_disorder=True, domains=["acme.example"], store_sent=False, create_activities=False
    )


@pytest.mark.parametrize("moment", sample(range(1, 60), every=3))
async def test_a_response_that_a_dead_worker_has_written_is_cancelled_when_a_machine_turns_out_to_have_clicked(
    moment: int,
) -> None:
    acts: list[Act] = [
        ("send", MailingKind.EMAIL, True),
        ("send", MailingKind.EMAIL, False),
        ("scan", 0, 0),
        ("night", 0),
        ("click", 0, 1, 0, "1"),
        ("scan", 0, 2),
        ("die", moment, False),
        ("crowd", 0, 1, (0, -6, True), (0, -4, False)),
    ]

    await lives_through(
        list(one_by_one(acts)), in_disorder=False, domains=["acme.example"], store_sent=False, create_activities=False
    )
