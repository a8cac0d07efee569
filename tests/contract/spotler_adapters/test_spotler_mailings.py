"""Mailings and interactions over the sandbox, and the wire forms of them that are uncertain."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from shared.adapters.spotler.contacts.client import SpotlerClient
from shared.adapters.spotler.mailings.mailings import SpotlerMailings
from shared.domain.engagement.events import APPROXIMATE, BounceType, EventKind
from shared.domain.engagement.mailings import Mailing, MailingKind, MailingOrigin
from shared.domain.features.automations import AutomationKind
from shared.errors import DataError
from shared.local.spotler_sandbox.account.automations import DEFAULT_AUTOMATIONS
from shared.ports.mailings import FeedPage, Happening
from tests.contract.clocks import ManualClock
from tests.contract.spotler_adapters.spotler_account import HASTY, SpotlerAccount, open_account

DAY = timedelta(days=1)


@pytest.fixture
async def account() -> AsyncIterator[SpotlerAccount]:
    async with open_account() as opened:
        await opened.people("anna", "ben")
        yield opened


async def gathered(pages: AsyncIterator[FeedPage]) -> list[Happening]:
    return [one async for page in pages for one in page.happenings]


def bulk(handle: str, begun: datetime | None = None) -> Mailing:
    return Mailing(handle, "March news", begun=begun)


async def noted(account: SpotlerAccount, kind: EventKind) -> list[Happening]:
    now = account.clock.now()
    return await gathered(account.mailings.noted(kind, now - DAY, now + DAY))


async def test_a_mailing_has_a_handle_a_name_a_begin_and_a_count(account: SpotlerAccount) -> None:
    sent = await account.act("mailing", {"name": "March news", "subject": "Hello"})
    sms = await account.act("mailing", {"name": "Reminder", "medium": "SMS"})
    now = account.clock.now()
    mail, text = await account.mailings.between(now - DAY, now + DAY)  # BULK-01, P-17
    assert (mail.handle, mail.name, mail.kind, mail.sent) == (sent["encryptedId"], "March news", MailingKind.EMAIL, 2)
    assert mail.begun is not None
    assert abs(mail.begun - now) < timedelta(seconds=1)
    assert mail.online_version.startswith("https://")
    assert (text.handle, text.kind) == (sms["encryptedId"], MailingKind.SMS)
    assert await account.mailings.between(now - 100 * DAY, now - 50 * DAY) == []
    assert account.sent.count("mailing.list") == 3, "a month to a call"


async def test_the_content_has_subject_sender_and_links(account: SpotlerAccount) -> None:
    sent = await account.act("mailing", {"name": "March news", "subject": "Hello"})
    details = await account.mailings.details(sent["encryptedId"], MailingOrigin.BULK)
    assert details is not None
    mailing, content = details
    assert (mailing.handle, mailing.name) == (sent["encryptedId"], "March news")
    assert (content.subject, content.sender_address) == ("Hello", "news@example.com")
    assert {link.type for link in content.links} == {"", "conversion", "unsubscribe"}
    assert await account.mailings.details("none", MailingOrigin.BULK) is None


async def test_statistics_are_counts_and_an_sms_mailing_has_none(account: SpotlerAccount) -> None:
    sent = (await account.act("mailing", {"name": "March news"}))["encryptedId"]
    await account.act("contact/open", externalId="anna")
    await account.act("contact/click", {"link": 3}, externalId="ben")
    counts = await account.mailings.counts(sent)
    assert counts is not None
    assert (counts.sent, counts.opened, counts.rendered, counts.clicked, counts.conversions) == (2, 2, 1, 1, 1)
    sms = await account.act("mailing", {"name": "Reminder", "medium": "SMS"})
    assert await account.mailings.counts(sms["encryptedId"]) is None


async def test_the_feed_tells_who_and_when_and_not_which_link(account: SpotlerAccount) -> None:
    sent = (await account.act("mailing", {"name": "March news"}))["encryptedId"]
    await account.act("contact/click", {"link": 2}, externalId="anna")
    await account.act("contact/hard-bounce", externalId="ben")
    assert {one.external_id for one in await noted(account, EventKind.SENT)} == {"anna", "ben"}
    (click,) = await noted(account, EventKind.CLICKED)
    assert (click.mailing, click.external_id, click.event.detail) == (sent, "anna", "")
    (bounce,) = await noted(account, EventKind.BOUNCED)
    assert bounce.event.detail == BounceType.HARD
    with pytest.raises(ValueError, match="no feed"):
        await noted(account, EventKind.UNSUBSCRIBED)


async def test_the_lists_of_a_mailing_tell_the_link(account: SpotlerAccount) -> None:
    sent = (await account.act("mailing", {"name": "March news"}))["encryptedId"]
    await account.act("contact/click", {"link": 2}, externalId="anna")
    await account.act("contact/click", {"link": 3}, externalId="ben")
    (feed,) = [one for one in await noted(account, EventKind.CLICKED) if one.external_id == "anna"]
    (mine,) = await account.mailings.clicks_of(sent, "anna")
    assert (mine.event.at, mine.event.detail) == (feed.event.at, "2"), "feed and list agree on the time"
    clicks = await gathered(account.mailings.listed(bulk(sent), EventKind.CLICKED))
    assert {(one.external_id, one.event.detail) for one in clicks} == {("anna", "2"), ("ben", "3")}
    assert await account.mailings.clicks_of(sent, "nobody") == []
    assert await account.mailings.clicks_of(sent, "a/b") == [], "such an id cannot be addressed"


async def test_recipients_of_a_bulk_mailing_get_its_begin_as_an_approximate_time(account: SpotlerAccount) -> None:
    sent = (await account.act("mailing", {"name": "March news"}))["encryptedId"]
    begun = account.clock.now()
    found = await gathered(account.mailings.listed(bulk(sent, begun), EventKind.SENT))
    assert {(one.external_id, one.event.at, one.event.detail) for one in found} == {
        ("anna", begun, APPROXIMATE),
        ("ben", begun, APPROXIMATE),
    }
    assert await gathered(account.mailings.listed(bulk(sent), EventKind.SENT)) == []


async def test_a_list_and_the_feed_continue_behind_any_page(account: SpotlerAccount) -> None:
    await account.people(*(f"p{number}" for number in range(230)))
    sent = (await account.act("mailing", {"name": "March news"}))["encryptedId"]
    start, end = account.clock.now() - DAY, account.clock.now()

    def lists(after: str = "") -> AsyncIterator[FeedPage]:
        return account.mailings.listed(bulk(sent, end), EventKind.SENT, after=after)

    def feed(after: str = "") -> AsyncIterator[FeedPage]:
        return account.mailings.noted(EventKind.SENT, start, end, after=after)

    for read in (lists, feed):
        pages = [page async for page in read()]
        assert [len(page.happenings) for page in pages] == [100, 100, 32]
        assert await gathered(read(pages[1].after)) == list(pages[2].happenings)
        assert pages[-1].after == ""


async def test_messages_of_campaigns_are_read_beside_bulk_mailings(account: SpotlerAccount) -> None:
    await account.automations.start(AutomationKind.CAMPAIGN, "TrgCartLeft", "anna", [])
    (message,) = await account.mailings.of_campaigns()
    assert (message.handle, message.origin) == ("CmlCartFirst", MailingOrigin.CAMPAIGN)  # INT-08
    (one,) = await gathered(account.mailings.listed(message, EventKind.SENT))
    assert one.external_id == "anna"
    assert await account.mailings.counts("CmlCartFirst") is None
    assert await account.mailings.details("CmlCartFirst", MailingOrigin.BULK) is None
    assert (await account.mailings.details("CmlCartFirst", MailingOrigin.CAMPAIGN)) is not None
    assert await gathered(account.mailings.listed(bulk("CmlCartFirst"), EventKind.OPENED)) == []


@pytest.mark.parametrize("in_feed", [True, False])
async def test_messages_of_automations_are_in_feeds_alone_if_anywhere(*, in_feed: bool) -> None:
    welcome = DEFAULT_AUTOMATIONS[0]
    async with open_account(automations_in_feed=in_feed) as account:
        await account.people("anna")
        await account.automations.start(AutomationKind.AUTOMATION, str(welcome.trigger_code), "anna", [])
        found = await noted(account, EventKind.SENT)
        assert [(one.external_id, one.name) for one in found] == [("anna", "Welcome to our shop")] * in_feed
        for origin in (MailingOrigin.BULK, MailingOrigin.CAMPAIGN):
            assert await account.mailings.details("AmlWelcome", origin) is None


async def test_late_events_are_found_by_the_time_at_which_they_were_noted(account: SpotlerAccount) -> None:
    await account.people(*(f"p{number}" for number in range(150)))
    await account.act("mailing", {"name": "March news", "halfMinutes": 30})
    begun = account.clock.now()
    seen: list[Happening] = []
    for _ in range(6):
        start = account.clock.now()
        account.clock.advance(timedelta(minutes=30))
        seen += await gathered(account.mailings.noted(EventKind.OPENED, start, account.clock.now()))
    whole = await gathered(account.mailings.noted(EventKind.OPENED, begun, account.clock.now()))
    assert {(one.external_id, one.event) for one in seen} == {(one.external_id, one.event) for one in whole}
    assert len(whole) > 20


# ------------------------------------------------------------------------------------------------- uncertain wire forms


def account_that_answers(answers: dict[str, Any]) -> SpotlerMailings:
    def handle(request: httpx.Request) -> httpx.Response:
        found = answers[request.url.path.removeprefix("/x")]
        return httpx.Response(200, json=found) if not isinstance(found, httpx.Response) else found

    http = httpx.AsyncClient(transport=httpx.MockTransport(handle))
    client = SpotlerClient("https://spotler.example/x", "k", "s", http=http, clock=ManualClock(), retries=HASTY)
    return SpotlerMailings(client.transport)


MAILING = {"encryptedId": "m1", "name": "News", "scheduledStartDate": "2026-05-01T10:00:00", "type": "EMAIL"}
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("shape", [[MAILING], {"mailings": [MAILING]}, {"items": [MAILING], "paging": {"after": 1}}])
async def test_a_list_of_mailings_is_read_in_every_shape(shape: Any) -> None:
    (mailing,) = await account_that_answers({"/mailing": shape}).between(NOW - DAY, NOW)
    assert mailing.begun == datetime(2026, 5, 1, 8, tzinfo=UTC), "a time without offset is that of Amsterdam"
    assert mailing.sent is None


@pytest.mark.parametrize("date", ["2026-05-01T10:00:00+02:00", "2026-05-01T08:00:00.000Z", 1777622400000])
async def test_dates_are_read_in_every_form(date: Any) -> None:
    body = [{"id": 7, "externalContactId": "anna", "encryptedMailingId": "m1", "date": date, "changeDate": date}]
    mailings = account_that_answers({"/mailing-interaction/opened": body})
    (one,) = await gathered(mailings.noted(EventKind.OPENED, NOW - timedelta(hours=1), NOW))
    assert one.event.at == datetime(2026, 5, 1, 8, tzinfo=UTC)


async def test_events_without_an_identity_are_read_and_have_none() -> None:
    body = {"opens": [{"contactIdentifier": None, "openDate": "2026-05-01T10:00:00Z"}, {"contactIdentifier": {}}]}
    mailings = account_that_answers({"/mailing/m1/opens": body})
    (one,) = await gathered(mailings.listed(bulk("m1"), EventKind.OPENED))
    assert (one.external_id, one.contact) == ("", "")  # P-03


async def test_a_refusal_that_says_no_such_data_is_no_failure_and_another_one_is() -> None:
    def refusal(code: str) -> httpx.Response:
        return httpx.Response(400, json={"errorType": code, "message": "no"})

    answers = {"/mailing/m1/statistics": refusal("INVALID_MAILING"), "/mailing/m2/statistics": refusal("WRONG")}
    mailings = account_that_answers(answers)
    assert await mailings.counts("m1") is None
    with pytest.raises(DataError):
        await mailings.counts("m2")
