"""Tags and scores against the sandbox of Mail+: given, counted, and never counted twice (TAG)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shared.domain.records.jobs import ScoreChange
from shared.errors import ConfigurationError, DataError, NotFoundError, ThrottledError, UnknownOutcomeError
from shared.ports.marketing_platform import Tagging
from tests.contract.spotler_adapters.spotler_account import SpotlerAccount, open_account


@pytest.fixture
async def account() -> AsyncIterator[SpotlerAccount]:
    async with open_account() as opened:
        await opened.people("ANN")
        yield opened


async def test_tags_are_given_in_one_call_and_a_second_time_changes_nothing(account: SpotlerAccount) -> None:
    tagging: Tagging = account.tagging
    await tagging.add_tags("ANN", ["Lead", "50% off; & more/less"])
    await tagging.change_score("ANN", "Lead", ScoreChange.SET, 10)
    await tagging.add_tags("ANN", ["lead"])
    assert await account.tags("ANN") == {"Lead": 10, "50% off; & more/less": 0}
    assert account.sent == ["contact.add-tags", "contact.score", "contact.add-tags"]


async def test_a_tag_can_be_made_known_without_a_contact(account: SpotlerAccount) -> None:
    for name in ("Webinar", "webinar"):
        await account.tagging.create_tag(name)
    assert await account.look("tags") == ["Webinar"]
    assert await account.tags("ANN") == {}


async def test_tags_are_taken_away_with_their_scores_and_absent_ones_are_fine(account: SpotlerAccount) -> None:
    await account.tagging.change_score("ANN", "Lead/Hot", ScoreChange.SET, 10)
    await account.tagging.add_tags("ANN", ["Spain"])
    await account.tagging.remove_tags("ANN", ["lead/hot", "never given"])
    assert await account.tags("ANN") == {"Spain": 0}


async def test_scores_are_set_raised_and_lowered_from_nought(account: SpotlerAccount) -> None:
    for change, value in ((ScoreChange.INCREASE, 7), (ScoreChange.DECREASE, 10), (ScoreChange.INCREASE, 1)):
        await account.tagging.change_score("ANN", "Lead", change, value)
    await account.tagging.change_score("ANN", "Risk", ScoreChange.SET, -5)
    assert await account.tags("ANN") == {"Lead": -2, "Risk": -5}


async def test_an_empty_list_of_tags_makes_no_call(account: SpotlerAccount) -> None:
    await account.tagging.add_tags("ANN", [])
    await account.tagging.remove_tags("ANN", [])
    assert account.sent == []


async def test_an_unknown_contact_is_told_from_other_refusals(account: SpotlerAccount) -> None:
    with pytest.raises(NotFoundError) as caught:
        await account.tagging.add_tags("NOBODY", ["Lead"])
    assert caught.value.code == "CONTACT_NOT_FOUND"
    with pytest.raises(NotFoundError):
        await account.tagging.change_score("NOBODY", "Lead", ScoreChange.INCREASE, 1)


@pytest.mark.parametrize("name", ["", ".", ".."])
async def test_a_name_that_would_change_the_path_is_not_sent(account: SpotlerAccount, name: str) -> None:
    with pytest.raises(DataError):
        await account.tagging.remove_tags("ANN", [name])
    assert account.sent == []


@pytest.mark.parametrize("change", [ScoreChange.INCREASE, ScoreChange.DECREASE])
@pytest.mark.parametrize("kind", ["reset", "server-error", "unavailable"])
async def test_a_lost_answer_leaves_the_outcome_unknown_and_the_score_counted_once(
    account: SpotlerAccount, change: ScoreChange, kind: str
) -> None:
    await account.fault(kind, "contact.score", moment="after")
    with pytest.raises(UnknownOutcomeError):
        await account.tagging.change_score("ANN", "Lead", change, 10)
    assert await account.tags("ANN") == {"Lead": 10 if change is ScoreChange.INCREASE else -10}
    assert account.sent == ["contact.score"]


async def test_a_throttled_step_certainly_had_no_effect(account: SpotlerAccount) -> None:
    await account.fault("throttled", "contact.score")
    with pytest.raises(ThrottledError):
        await account.tagging.change_score("ANN", "Lead", ScoreChange.INCREASE, 10)
    assert await account.tags("ANN") == {}
    assert account.sent == ["contact.score"]


async def test_setting_a_score_is_repeated_after_a_lost_answer(account: SpotlerAccount) -> None:
    await account.fault("reset", "contact.score", moment="after")
    await account.tagging.change_score("ANN", "Lead", ScoreChange.SET, 10)
    assert await account.tags("ANN") == {"Lead": 10}
    assert account.sent == ["contact.score", "contact.score"]


async def test_a_service_without_tags_is_a_matter_of_configuration(account: SpotlerAccount) -> None:
    account.tagging._transport._base_url += "/elsewhere"
    with pytest.raises(ConfigurationError):
        await account.tagging.create_tag("Webinar")
