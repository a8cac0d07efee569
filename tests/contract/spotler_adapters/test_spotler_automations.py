"""Automations and campaigns against the sandbox of Mail+: listed, started at most once, stopped (AUT)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import httpx
import pytest

from shared.adapters.spotler.automations.automations import SpotlerAutomations
from shared.adapters.spotler.automations.capabilities import Capabilities
from shared.adapters.spotler.contacts.client import SpotlerClient
from shared.domain.features.automations import (
    AutomationField,
    AutomationKind,
    FieldType,
    FieldValue,
    NotStarted,
    PublishedAutomation,
    Started,
    StartRefusal,
    StopResult,
)
from shared.domain.features.capabilities import CapabilityFinding
from shared.errors import DataError, ThrottledError, UnknownOutcomeError
from shared.local.spotler_sandbox.account.automations import Automation
from shared.local.spotler_sandbox.account.automations import AutomationField as SandboxField
from shared.local.spotler_sandbox.account.campaigns import Campaign
from shared.ports.marketing_platform import Automations
from tests.contract.clocks import ManualClock
from tests.contract.spotler_adapters.spotler_account import SpotlerAccount, open_account
from tests.twins import TwinStore

WELCOME, BIRTHDAY, WINBACK = (str(UUID(int=number)) for number in range(1, 4))
WELCOME_CODE, BIRTHDAY_CODE, WINBACK_CODE = (str(UUID(int=number)) for number in range(11, 14))
FIELDS = (SandboxField("voucher"), SandboxField("link", "URL"), SandboxField("cart", "PRODUCTLIST"))

AUTOMATIONS = (
    Automation(UUID(WELCOME), "Welcome", UUID(WELCOME_CODE), fields=FIELDS),
    Automation(UUID(BIRTHDAY), "Birthday", UUID(BIRTHDAY_CODE), limit=1),
    Automation(UUID(WINBACK), "Winback", UUID(WINBACK_CODE), active=False),
)
CAMPAIGNS = (
    Campaign("CmpCart", "Abandoned cart", trigger_id="TrgCart", trigger_name="Cart left"),
    Campaign("CmpOld", "Old welcome", active=False, trigger_id="TrgOld", trigger_name="Sign-up"),
    Campaign("CmpInner", "Without external trigger"),
)


@pytest.fixture
async def account() -> AsyncIterator[SpotlerAccount]:
    async with open_account(automations=AUTOMATIONS, campaigns=CAMPAIGNS) as opened:
        await opened.people("ANN", "BEN")
        yield opened


async def start(account: SpotlerAccount, code: str, *fields: FieldValue, who: str = "ANN") -> Started | NotStarted:
    return await account.automations.start(AutomationKind.AUTOMATION, code, who, fields)


async def test_active_automations_with_an_external_trigger_are_published(account: SpotlerAccount) -> None:  # AUT-02..04
    automations: Automations = account.automations
    assert await automations.published(AutomationKind.AUTOMATION) == [
        PublishedAutomation(
            AutomationKind.AUTOMATION,
            WELCOME,
            WELCOME_CODE,
            "Start Welcome",
            (
                AutomationField("voucher", FieldType.STRING),
                AutomationField("link", FieldType.URL),
                AutomationField("cart", FieldType.PRODUCTLIST),
            ),
        ),
        PublishedAutomation(AutomationKind.AUTOMATION, BIRTHDAY, BIRTHDAY_CODE, "Start Birthday"),
    ]
    assert await automations.published(AutomationKind.CAMPAIGN) == [
        PublishedAutomation(AutomationKind.CAMPAIGN, "CmpCart", "TrgCart", "Abandoned cart")
    ]


@pytest.mark.parametrize(
    ("listed", "names"),
    [
        ([("Welcome", ["New customer"])], ["New customer"]),
        ([("Welcome", [" New customer "])], ["New customer"]),
        ([("Welcome", [""])], ["Welcome"]),
        ([("Welcome", ["New customer", "New member"])], ["New customer", "New member"]),
        (
            [("Welcome", ["Start"]), ("Winback", ["Start", "Again"])],
            ["Start (Welcome)", "Start (Winback)", "Again"],
        ),
    ],
)
async def test_aut_02_the_label_of_the_external_trigger_is_what_dynamics_shows(
    listed: list[tuple[str, list[str]]], names: list[str]
) -> None:
    body = [
        {
            "id": name,
            "name": name,
            "active": True,
            "triggers": [{"triggerCode": f"{name}-{label}", "name": label} for label in labels],
        }
        for name, labels in listed
    ]
    assert [one.name for one in await published(body)] == names


async def test_a_started_automation_tells_its_run_and_gets_its_fields(account: SpotlerAccount) -> None:  # AUT-13
    started = await start(
        account,
        WELCOME_CODE,
        FieldValue("voucher", FieldType.STRING, ("X1",)),
        FieldValue("cart", FieldType.PRODUCTLIST, ("sku-1", "sku-2")),
    )
    (run,) = await account.look("automation-runs")
    assert started == Started((run["automationContactId"],))
    assert run["externalContactId"] == "ANN"
    assert run["fields"] == [
        {"name": "voucher", "type": "STRING", "value": "X1"},
        {"name": "cart", "type": "PRODUCTLIST", "values": ["sku-1", "sku-2"]},
    ]


async def test_a_start_that_spotler_refuses_has_its_reason(account: SpotlerAccount) -> None:
    assert await start(account, BIRTHDAY_CODE) != NotStarted(StartRefusal.LIMIT_REACHED)
    assert await start(account, BIRTHDAY_CODE) == NotStarted(StartRefusal.LIMIT_REACHED)
    assert await start(account, WINBACK_CODE) == NotStarted(StartRefusal.INACTIVE)
    assert await start(account, str(UUID(int=99))) == NotStarted(StartRefusal.TRIGGER_UNKNOWN)
    assert await start(account, WELCOME_CODE, who="NOBODY") == NotStarted(StartRefusal.CONTACT_UNKNOWN)


async def test_a_code_typed_wrongly_is_unknown_without_a_call(account: SpotlerAccount) -> None:
    assert await start(account, "no code") == NotStarted(StartRefusal.TRIGGER_UNKNOWN)
    empty = await account.automations.start(AutomationKind.CAMPAIGN, "", "ANN", ())
    assert empty == NotStarted(StartRefusal.TRIGGER_UNKNOWN)
    assert account.sent == []


async def test_a_campaign_is_started_and_says_why_not(account: SpotlerAccount) -> None:
    async def begin(code: str, who: str = "ANN") -> Started | NotStarted:
        return await account.automations.start(AutomationKind.CAMPAIGN, code, who, ())

    assert await begin("TrgCart") == Started()
    again = await begin("TrgCart")
    assert isinstance(again, NotStarted)
    assert (again.refusal, again.detail) == (
        StartRefusal.INVALID_STATE,
        "contact is already active in this campaign",
    )
    for code, who, refusal in (
        ("TrgOld", "ANN", StartRefusal.INVALID_STATE),
        ("TrgNone", "ANN", StartRefusal.TRIGGER_UNKNOWN),
        ("TrgCart", "NOBODY", StartRefusal.CONTACT_UNKNOWN),
    ):
        refused = await begin(code, who)
        assert isinstance(refused, NotStarted)
        assert refused.refusal is refusal


@pytest.mark.parametrize("kind", ["reset", "server-error", "unavailable", "truncated"])
@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_lost_answer_leaves_the_outcome_unknown_and_nothing_is_sent_again(
    account: SpotlerAccount, kind: str, moment: str
) -> None:
    await account.fault(kind, "automation.trigger", moment=moment)
    with pytest.raises(UnknownOutcomeError):
        await start(account, WELCOME_CODE)
    assert len(await account.look("automation-runs")) == (1 if moment == "after" else 0)
    assert account.sent == ["automation.start"]


async def test_the_start_of_a_campaign_whose_answer_was_lost_is_sent_once(account: SpotlerAccount) -> None:
    await account.fault("reset", "campaign.trigger", moment="after")
    with pytest.raises(UnknownOutcomeError):
        await account.automations.start(AutomationKind.CAMPAIGN, "TrgCart", "ANN", ())
    assert account.sent == ["campaign.start"]
    assert len(await account.look("campaign-runs")) == 1


async def test_a_throttled_start_certainly_started_nothing(account: SpotlerAccount) -> None:
    await account.fault("throttled", "automation.trigger", retryAfter=30)
    with pytest.raises(ThrottledError):
        await start(account, WELCOME_CODE)
    with pytest.raises(ThrottledError):  # the pause holds for the account: this one is not even sent
        await start(account, WELCOME_CODE)
    assert await account.look("automation-runs") == []
    assert account.sent == ["automation.start"]


async def test_all_runs_of_a_person_are_stopped_and_nobody_elses(account: SpotlerAccount) -> None:
    for who in ("ANN", "ANN", "BEN"):
        await start(account, WELCOME_CODE, who=who)
    assert await account.automations.stop(AutomationKind.AUTOMATION, WELCOME, "ANN") is StopResult.STOPPED
    runs = await account.look("automation-runs")
    assert [(run["externalContactId"], run["stopped"]) for run in runs] == [
        ("ANN", True),
        ("ANN", True),
        ("BEN", False),
    ]
    assert await account.automations.stop(AutomationKind.AUTOMATION, WELCOME, "ANN") is StopResult.NOT_RUNNING
    assert await account.automations.stop(AutomationKind.AUTOMATION, WELCOME, "NOBODY") is StopResult.UNKNOWN
    assert await account.automations.stop(AutomationKind.AUTOMATION, "gone", "ANN") is StopResult.UNKNOWN


async def test_one_run_is_stopped_by_its_id(account: SpotlerAccount) -> None:  # AUT-23, JOB-27
    first, second = [await start(account, WELCOME_CODE) for _ in range(2)]
    assert isinstance(first, Started)
    assert isinstance(second, Started)
    assert await account.automations.stop_run(first.runs[0]) is StopResult.STOPPED
    runs = {run["automationContactId"]: run["stopped"] for run in await account.look("automation-runs")}
    assert runs == {first.runs[0]: True, second.runs[0]: False}
    assert await account.automations.stop_run(str(UUID(int=99))) is StopResult.UNKNOWN


async def test_a_campaign_is_stopped_for_a_person(account: SpotlerAccount) -> None:
    await account.automations.start(AutomationKind.CAMPAIGN, "TrgCart", "ANN", ())
    for who, result in (
        ("ANN", StopResult.STOPPED),
        ("ANN", StopResult.NOT_RUNNING),
        ("BEN", StopResult.NOT_RUNNING),
        ("NOBODY", StopResult.UNKNOWN),
    ):
        assert await account.automations.stop(AutomationKind.CAMPAIGN, "CmpCart", who) is result


# ------------------------------------------------------------------------------------------ answers of another service


async def answered(response: httpx.Response) -> Started | NotStarted:
    """Start an automation at a service that answers so."""
    async with answering(response) as automations:
        return await automations.start(AutomationKind.AUTOMATION, WELCOME_CODE, "ANN", ())


async def published(body: object) -> Sequence[PublishedAutomation]:
    """List the automations of a service that answers so."""
    async with answering(httpx.Response(200, json=body)) as automations:
        return await automations.published(AutomationKind.AUTOMATION)


@asynccontextmanager
async def answering(response: httpx.Response) -> AsyncIterator[SpotlerAutomations]:
    client = SpotlerClient(
        "https://spotler.example/integrationservice",
        "key",
        "secret",
        http=httpx.AsyncClient(transport=httpx.MockTransport(lambda _request: response)),
        clock=ManualClock(),
    )
    try:
        yield SpotlerAutomations(
            client.transport, Capabilities(TwinStore(), ManualClock(), "test", assumed=True, probe=_nobody_asks)
        )
    finally:
        await client.close()


async def test_a_start_without_the_unpublished_id_of_the_run_is_a_start() -> None:
    body = {"result": "OK", "automationResults": [{"automationId": WELCOME, "result": "OK", "extra": 1}]}
    assert await answered(httpx.Response(200, json=body)) == Started()


async def test_of_several_automations_one_that_started_is_enough() -> None:
    results = [
        {"automationId": WELCOME, "result": "PARTICIPATION_LIMIT_REACHED"},
        {"automationId": BIRTHDAY, "result": "OK", "automationContactId": "run-1"},
    ]
    assert await answered(httpx.Response(200, json={"result": "OK", "automationResults": results})) == Started(
        ("run-1",)
    )


async def test_different_reasons_are_told_together() -> None:
    results = [{"result": "PARTICIPATION_LIMIT_REACHED"}, {"result": "AUTOMATION_INACTIVE"}]
    body = {"result": "NOT_TRIGGERED", "automationResults": results}
    assert await answered(httpx.Response(417, json=body)) == NotStarted(
        StartRefusal.NOT_TRIGGERED, "AUTOMATION_INACTIVE, PARTICIPATION_LIMIT_REACHED"
    )


async def test_an_answer_that_says_unknown_leaves_the_outcome_unknown() -> None:
    with pytest.raises(UnknownOutcomeError):
        await answered(httpx.Response(200, json={"result": "UNKNOWN"}))


async def test_only_429_is_taken_for_a_certain_refusal_to_do_it_now() -> None:
    with pytest.raises(UnknownOutcomeError):
        await answered(httpx.Response(503, headers={"Retry-After": "5"}))
    with pytest.raises(ThrottledError):
        await answered(httpx.Response(429, headers={"Retry-After": "3600"}))


async def test_a_refusal_without_its_body_still_started_nothing() -> None:
    standard = {"errorType": "CONTACT_NOT_FOUND", "message": "x"}
    assert await answered(httpx.Response(404, json=standard)) == NotStarted(StartRefusal.CONTACT_UNKNOWN, "x")
    page = await answered(httpx.Response(404, html="<h1>Not found</h1>"))
    assert isinstance(page, NotStarted)
    assert page.refusal is StartRefusal.TRIGGER_UNKNOWN
    with pytest.raises(DataError) as caught:
        await answered(httpx.Response(417))
    assert caught.value.status == 417


async def _nobody_asks() -> list[CapabilityFinding]:
    raise AssertionError("nothing here needs a check")
