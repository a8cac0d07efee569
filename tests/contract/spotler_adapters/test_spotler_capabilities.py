"""The switch of unpublished calls: off until proven, proven by harmless questions, remembered."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from shared.adapters.spotler.automations.capabilities import Capabilities
from shared.adapters.spotler.automations.probes import Probes
from shared.adapters.spotler.contacts.client import SpotlerClient
from shared.domain.features.automations import AutomationKind, FieldType, FieldValue, Started
from shared.domain.features.capabilities import CAPABILITY_OFF, Capability, CapabilityFinding, CapabilityState
from shared.domain.records.jobs import ScoreChange
from shared.errors import ConfigurationError, DataError
from shared.local.spotler_sandbox.account.automations import Automation
from shared.local.spotler_sandbox.http.settings import CURRENT_PREFIX
from tests.contract.clocks import ManualClock
from tests.contract.spotler_adapters.spotler_account import HASTY, KEY, SECRET, SpotlerAccount, open_account
from tests.twins import TwinStore

WELCOME_CODE = "bc0a5d1e-3c52-4f0b-8f6c-5a0e2a4c9b01"
VOUCHER = FieldValue("voucher", FieldType.STRING, ("X1",))

READS = {"ping", "probe.nowhere", "tag.list", "contact.tags", "automation.list"}
ASKED_THE_WRONG_WAY = {"contact.score", "automation.stop", "automation.stop-run"}


async def use_everything(account: SpotlerAccount) -> list[str]:
    """Try each unpublished call; returns the codes of those that were refused without being sent."""
    calls = [
        lambda: account.tagging.create_tag("Lead"),
        lambda: account.tagging.add_tags("ANN", ["Lead"]),
        lambda: account.tagging.remove_tags("ANN", ["Lead"]),
        lambda: account.tagging.change_score("ANN", "Lead", ScoreChange.SET, 1),
        lambda: account.automations.published(AutomationKind.AUTOMATION),
        lambda: account.automations.start(AutomationKind.AUTOMATION, WELCOME_CODE, "ANN", [VOUCHER]),
        lambda: account.automations.stop(AutomationKind.AUTOMATION, str(UUID(int=1)), "ANN"),
        lambda: account.automations.stop_run(str(UUID(int=1))),
    ]
    codes = []
    for call in calls:
        try:
            await call()
        except DataError as error:
            codes.append(error.code)
    return codes


async def test_against_a_real_account_nothing_unpublished_is_sent() -> None:
    async with open_account(assumed=False) as account:
        await account.people("ANN")
        assert await use_everything(account) == [CAPABILITY_OFF] * 8
        assert account.sent == []
        assert not any((await account.capabilities.states()).values())


async def test_published_calls_need_no_check() -> None:
    async with open_account(assumed=False) as account:
        await account.people("ANN")
        plain = await account.automations.start(AutomationKind.AUTOMATION, WELCOME_CODE, "ANN", ())
        assert isinstance(plain, Started)
        campaigns = await account.automations.published(AutomationKind.CAMPAIGN)
        campaign = await account.automations.start(AutomationKind.CAMPAIGN, campaigns[0].code, "ANN", [VOUCHER])
        assert campaign == Started()


async def test_a_check_proves_what_is_there_and_switches_it_on() -> None:
    async with open_account(assumed=False) as account:
        await account.people("ANN")
        findings = await account.capabilities.check()
        assert {finding.capability: finding.state for finding in findings} == dict.fromkeys(
            Capability, CapabilityState.PROVEN
        )
        assert set(account.sent) == READS | ASKED_THE_WRONG_WAY
        assert all((await account.capabilities.states()).values())
        assert await use_everything(account) == []


async def test_a_check_changes_nothing_in_the_account() -> None:
    async with open_account(assumed=False) as account:
        await account.people("ANN")
        before = [await account.look(part) for part in ("contacts", "automation-runs", "audiences")]
        await account.capabilities.check()
        assert [await account.look(part) for part in ("contacts", "automation-runs", "audiences")] == before
        (ann,) = before[0]
        assert ann["tags"] == {}


async def test_a_proven_capability_outlives_the_process_and_reaches_others_within_a_minute() -> None:
    async with open_account(assumed=False) as account:
        other = Capabilities(account.store, account.clock, "test", assumed=False, probe=_nobody_asks)
        elsewhere = Capabilities(account.store, account.clock, "other", assumed=False, probe=_nobody_asks)
        assert not any((await other.states()).values())
        await account.capabilities.check()
        account.clock.advance(timedelta(minutes=1))
        assert all((await other.states()).values())
        assert not any((await elsewhere.states()).values())


async def test_fields_are_undecided_while_no_automation_has_any() -> None:
    plain = (Automation(UUID(int=1), "Welcome", UUID(int=2)),)
    async with open_account(assumed=False, automations=plain) as account:
        await account.people("ANN")
        findings = {finding.capability: finding for finding in await account.capabilities.check()}
        assert findings[Capability.AUTOMATION_FIELDS].state is CapabilityState.UNDECIDED
        assert "check again" in findings[Capability.AUTOMATION_FIELDS].evidence
        with pytest.raises(DataError) as caught:
            await account.automations.start(AutomationKind.AUTOMATION, str(UUID(int=2)), "ANN", [VOUCHER])
        assert caught.value.code == CAPABILITY_OFF
        plainly = await account.automations.start(AutomationKind.AUTOMATION, str(UUID(int=2)), "ANN", ())
        assert isinstance(plainly, Started)


async def test_a_service_that_is_down_takes_nothing_away() -> None:
    async with open_account(assumed=False) as account:
        await account.capabilities.check()
        await account.fault("server-error", "tag.list", times=10)
        findings = {finding.capability: finding.state for finding in await account.capabilities.check()}
        assert findings[Capability.TAGS] is CapabilityState.UNDECIDED
        assert (await account.capabilities.states())[Capability.TAGS]


async def test_a_check_with_wrong_credentials_finds_nothing_out() -> None:
    async with open_account(assumed=False) as account:
        await account.capabilities.check()
        url = f"{account.control.base_url}{CURRENT_PREFIX}"
        stranger = SpotlerClient(url, KEY, "wrong", http=httpx.AsyncClient(), clock=account.clock, retries=HASTY)
        probe = Probes(stranger.transport).findings
        capabilities = Capabilities(account.store, account.clock, "test", assumed=False, probe=probe)
        with pytest.raises(ConfigurationError):
            await capabilities.check()
        await stranger.close()
        assert all((await capabilities.states()).values())


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404, json={"errorType": "RESOURCE_NOT_FOUND", "message": "x"}),
        httpx.Response(404, json={"errorType": "CONTACT_NOT_FOUND", "message": "whatever is asked"}),
        httpx.Response(405),
        httpx.Response(403),
        httpx.Response(200, html="<html>Sign in</html>"),
        httpx.Response(200, json={"not": "a list"}),
    ],
    ids=["unknown path", "always contact", "always method", "no licence", "sign-in page", "other shape"],
)
async def test_a_service_that_answers_everything_alike_proves_nothing(answer: httpx.Response) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/contact/properties/list"):
            return httpx.Response(200, json=[])
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    client = SpotlerClient(
        "https://spotler.example/integrationservice",
        KEY,
        SECRET,
        http=httpx.AsyncClient(transport=httpx.MockTransport(respond)),
        clock=ManualClock(),
        retries=HASTY,
    )
    findings = await Probes(client.transport).findings()
    await client.close()
    assert {finding.state for finding in findings} == {CapabilityState.DISPROVEN}


async def test_a_disproven_capability_is_switched_off_even_if_it_was_assumed() -> None:
    async def probe() -> list[CapabilityFinding]:
        return [CapabilityFinding(Capability.TAGS, CapabilityState.DISPROVEN, "/tag/list answered HTTP 404")]

    capabilities = Capabilities(TwinStore(), ManualClock(), "test", assumed=True, probe=probe)
    await capabilities.check()
    with pytest.raises(DataError, match="tags is switched off") as caught:
        await capabilities.require(Capability.TAGS)
    assert "python -m shared check" in caught.value.detail
    await capabilities.require(Capability.SCORES)


async def _nobody_asks() -> list[CapabilityFinding]:
    raise AssertionError("states are read, not asked for")
