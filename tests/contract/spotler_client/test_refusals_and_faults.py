"""The client copes with what the sandbox of Mail+ checks, refuses and breaks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from shared.adapters.spotler.contacts.client import AnonymizeResult, SpotlerClient
from shared.domain.records.marketing_contact import Ending
from shared.errors import ConfigurationError, ThrottledError, TransientError
from shared.local.spotler_sandbox.http.settings import CURRENT_PREFIX
from tests.contract.spotler_client.account import HASTY, KEY, SECRET, Account, Time, address, open_account

# -------------------------------------------------------------------------------------------------------------- refusal


@pytest.mark.parametrize("status", [401, 403])
async def test_a_wrong_secret_is_a_matter_of_configuration_and_not_tried_again(status: int) -> None:
    async with open_account(secret="wrong", auth_failure_status=status) as account:
        with pytest.raises(ConfigurationError) as caught:
            await account.client.ping()
        assert caught.value.status == status
        assert account.observed == [("ping", status)]
        assert "wrong" not in repr(caught.value)


async def test_a_wrong_clock_is_named_as_the_reason() -> None:
    async with open_account() as account:
        # The sandbox's server dates its answers with the real time.
        account.client = SpotlerClient(
            account.url + CURRENT_PREFIX,
            KEY,
            SECRET,
            http=httpx.AsyncClient(),
            clock=Time(datetime(2020, 1, 1, tzinfo=UTC)),
        )
        with pytest.raises(ConfigurationError, match="does not allow") as caught:
            await account.client.ping()
        assert "the local clock is" in str(caught.value)
        assert "behind Spotler's" in str(caught.value)
        await account.client.close()


async def test_a_wrong_base_url_is_a_matter_of_configuration() -> None:
    async with open_account(prefix="/elsewhere") as account:
        with pytest.raises(ConfigurationError):
            await account.client.properties()


async def test_a_ping_costs_one_signed_call_and_tells_its_latency(account: Account) -> None:
    assert timedelta() < await account.client.ping() < timedelta(seconds=5)
    assert account.observed == [("ping", 200)]


# --------------------------------------------------------------------------------------------------------------- faults


@pytest.mark.parametrize("kind", ["server-error", "unavailable", "reset", "throttled"])
@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_write_survives_a_fault_before_and_after_its_effect(kind: str, moment: str) -> None:
    async with open_account() as account:
        await account.fault(kind, moment=moment, times=2, retryAfter=0)
        await account.write("1", email=address(1))
        assert await account.client.contact("1") is not None
        assert (await account.requests())["contact.bulk"] == 3


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_an_answer_that_breaks_off_is_asked_for_again(moment: str) -> None:
    async with open_account() as account:
        await account.write("1", email=address(1))
        await account.fault("truncated", moment=moment)
        contact = await account.client.contact("1")
        assert contact is not None
        assert contact.properties["email"] == address(1)


async def test_an_anonymisation_whose_answer_was_lost_is_a_success() -> None:
    async with open_account() as account:
        await account.write("1", email=address(1))
        await account.fault("reset", moment="after")
        assert await account.client.anonymize("1") == AnonymizeResult(Ending.ABSENT, 404)


async def test_a_service_that_stays_down_is_transient_and_an_html_page_does_no_harm() -> None:
    async with open_account() as account:
        await account.fault("unavailable", times=HASTY.attempts)
        with pytest.raises(TransientError) as caught:
            await account.client.contact("1")
        assert caught.value.status == 503
        assert account.observed == [("contact.read", 503)] * HASTY.attempts


async def test_a_request_for_a_long_pause_is_handed_on() -> None:
    async with open_account() as account:
        await account.fault("throttled", retryAfter=3600)
        with pytest.raises(ThrottledError) as caught:
            await account.client.contact("1")
        assert caught.value.retry_after == timedelta(hours=1)
