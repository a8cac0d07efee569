"""Mailings on the customer card, through the local host: campaigns, interactions, scores, exports, health."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from shared.domain.records.jobs import Operation
from shared.domain.records.records import PersonTable
from shared.local.spotler_sandbox.account.automations import DEFAULT_AUTOMATIONS
from tests.examples import thinned
from tests.scenario.job_acts import done
from tests.scenario.world import Person, World, eventually, open_world

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    everything = {"CREATE_ACTIVITIES": "true", "CREATE_CAMPAIGN_RESPONSES": "opens,clicks,bounces,unsubscribes"}
    async with open_world(tmp_path_factory.mktemp("mailings"), **everything) as opened:
        await opened.connector.start()
        yield opened


async def read_now(world: World, **body: Any) -> dict[str, Any]:
    answer = await world.connector.call("POST", "/api/engagement", body)
    assert answer.is_success, answer.text
    await world.settled()
    found: dict[str, Any] = answer.json()
    return found


async def rows_of(world: World, table: PersonTable, person: str) -> list[dict[str, Any]]:
    lookup = "_dh_leadid_value" if table is PersonTable.LEAD else "_dh_customerid_value"
    path = f"dh_marketinginteractions?$filter={lookup} eq {person}&$select=dh_type,dh_count,dh_linkname,dh_name"
    found: list[dict[str, Any]] = (await world.dynamics.read(path))["value"]
    return found


@pytest.mark.parametrize("table", thinned(list(PersonTable)[::-1]))
async def test_gen_06_gen_08_int_06_int_09_c_16_what_a_person_received_opened_and_clicked_is_on_the_card(
    world: World, table: PersonTable
) -> None:
    person = await world.synchronised(table)
    await world.spotler.post("mailing", {"name": f"News for a {table}"})
    for act in ("open", "click"):
        await world.spotler.post(f"contact/{act}?email={person.email}")
    result = await read_now(world)
    assert result["refused"] == 0
    rows = await rows_of(world, table, person.id)
    of_this = {row["dh_type"]: row for row in rows if row["dh_name"].endswith(f"News for a {table}")}
    assert set(of_this) >= {480000000, 480000001}  # INT-01, INT-09, C-16
    (campaign,) = (await world.dynamics.read(f"campaigns?$filter=name eq 'News for a {table}'"))["value"]
    assert (campaign["dh_opencount"], campaign["dh_clickcount"], campaign["dh_spotlertype"]) == (1, 1, 480000000)


COUNTS = ("sent", "hardbounce", "softbounce", "bounce", "delivery", "open", "renderedopen", "click", "conversionclick")
RATES = ("delivery", "bounce", "open", "clickthrough", "clicktoopen", "conversion", "conversionclicktoopen")


async def acting(world: World, name: str) -> tuple[Person, Person, Person]:
    """A mailing outside of the feed: one clicks on an order, one bounces, one opts out; all of it is read by lists."""
    ann, ben, cas = [await world.synchronised(table) for table in PersonTable]
    await world.spotler.post("mailing", {"name": name, "subject": "Spring is here", "inReport": False})
    await world.spotler.post(f"contact/open?email={ann.email}")
    await world.spotler.post(f"contact/click?email={ann.email}", {"link": 3})
    await world.spotler.post(f"contact/soft-bounce?email={ben.email}")
    await asyncio.sleep(1.1)  # the run reads mailings until now, in whole seconds
    await read_now(world, initial=True)
    await world.spotler.post(f"contact/opt-out?email={cas.email}")  # a timer may poll at any moment from here on
    assert (await world.connector.call("POST", "/api/poll", {})).is_success
    await world.settled()
    await read_now(world)
    return ann, ben, cas


async def test_bulk_01_to_28_act_03_to_07_a_mailing_is_told_by_counts_rates_interactions_activities_and_responses(
    world: World,
) -> None:
    ann, ben, cas = await acting(world, "March news")
    (campaign,) = (await world.dynamics.read("campaigns?$filter=name eq 'March news'"))["value"]  # BULK-03, BULK-06
    assert (campaign["dh_spotlermailingid"] != "", campaign["typecode"], campaign["statuscode"]) == (
        True,
        2,
        2,
    )  # BULK-08
    sent = campaign["dh_sentcount"]
    assert sent >= 3
    counts = [campaign[f"dh_{name}count"] for name in COUNTS]
    assert counts == [sent, 0, 1, 1, sent - 1, 1, 1, 1, 1]  # BULK-09..17, C-22
    assert (campaign["dh_unsubscribecount"], campaign["dh_notretainedafterbouncecount"]) == (1, 0)  # BULK-18, BULK-19
    rates = [campaign[f"dh_{name}rate"] for name in RATES]
    of_delivered = round(100 / (sent - 1), 2)
    assert rates == [  # BULK-20..26
        *(round(100 * (sent - 1) / sent, 2), round(100 / sent, 2), of_delivered, of_delivered),
        *(100, of_delivered, 100),
    ]
    assert campaign["dh_unsubscriberate"] == of_delivered  # BULK-27

    kinds = {row["dh_type"] for row in await rows_of(world, ann.table, ann.id)}
    assert kinds == {480000000, 480000001, 480000002, 480000008}  # INT-01, INT-05: sent, opened, clicked, conversion
    click = f"dh_marketinginteractions?$filter=_dh_customerid_value eq {ann.id} and dh_type eq 480000002"
    (opened,) = (await world.dynamics.read(click))["value"]
    assert (opened["dh_linkname"], opened["dh_linkurl"], opened["dh_linktype"], opened["dh_count"]) == (
        *("Order", "https://www.example.com/order", "conversion"),
        1,
    )  # INT-03: what its form shows
    kinds = {row["dh_type"] for row in await rows_of(world, ben.table, ben.id)}
    assert kinds == {480000000, 480000003}  # INT-07: sent and bounced
    kinds = {row["dh_type"] for row in await rows_of(world, cas.table, cas.id)}
    assert kinds == {480000000, 480000004}  # BULK-18: who unsubscribed

    columns = "dh_spotlerisopened,dh_spotlerisclicked,dh_spotlerbounced,dh_spotlerbouncetype,dh_spotlerclickedlinks"
    also = "subject,statuscode,category,opencount,linksclickedcount,lastopenedtime,_regardingobjectid_value"
    found = (await world.dynamics.read(f"emails?$select={also},{columns}"))["value"]
    mails = {mail["_regardingobjectid_value"]: mail for mail in found if mail["subject"] == "Spring is here"}
    assert {mail["statuscode"] for mail in mails.values()} == {
        3
    }  # BULK-02, BULK-05, ACT-03, INT-04, C-26: sent, for all tables
    assert mails.keys() >= {ann.id, ben.id, cas.id}
    own = mails[ann.id]
    assert (own["category"], own["opencount"], own["linksclickedcount"]) == ("Spotler", 1, 1)  # ACT-04, ACT-09
    assert own["lastopenedtime"] is not None
    assert [mails[ann.id][column] for column in columns.split(",")] == [True, True, False, None, "Order"]  # ACT-06, 07
    assert [mails[ben.id][column] for column in columns.split(",")] == [False, False, True, 480000001, None]

    variable = "environmentvariabledefinitions?$filter=schemaname eq 'dh_spotlertimelineinteractions'"
    assert (await world.dynamics.read(variable))["value"]  # ACT-01, ACT-02: which kinds the timeline shows
    wanted = f"campaignresponses?$select=responsecode&$filter=_regardingobjectid_value eq {campaign['campaignid']}"
    codes = sorted(row["responsecode"] for row in (await world.dynamics.read(wanted))["value"])
    assert codes == [1, 1, 3, 4]  # BULK-04, BULK-07: opened, clicked, unsubscribed, bounced


async def test_c_17_c_27_int_08_sch_06_sms_are_calls_and_messages_of_campaigns_are_on_the_card_without_a_campaign_row(
    world: World,
) -> None:
    person = await world.synchronised()
    await world.spotler.post("mailing", {"name": "Shop opens", "medium": "SMS"})
    await read_now(world)
    (call,) = (await world.dynamics.read(f"phonecalls?$filter=_regardingobjectid_value eq {person.id}"))["value"]
    assert (call["subject"], call["statuscode"]) == ("Shop opens", 2)
    assert {row["dh_type"] for row in await rows_of(world, person.table, person.id)} == {480000009}

    started = await done(world, Operation.START_AUTOMATION, person, dh_parametername="TrgCartLeft")
    assert started.code == "OK"
    assert (
        await world.connector.call("POST", "/admin/functions/tend_engagement", key=world.connector.master)
    ).is_success

    async def received() -> bool:
        names = {row["dh_name"] for row in await rows_of(world, person.table, person.id)}
        return "Sent: You left something" in names

    await eventually(received, "the message of the campaign")  # SCH-06: by the nightly timer
    assert (await world.dynamics.read("campaigns?$filter=name eq 'You left something'"))["value"] == []


async def test_act_08_messages_of_automations_are_on_the_card_though_spotler_lists_them_nowhere(world: World) -> None:
    person = await world.synchronised()
    welcome = str(DEFAULT_AUTOMATIONS[0].trigger_code)
    assert (await done(world, Operation.START_AUTOMATION, person, dh_parametername=welcome)).code == "OK"
    await world.spotler.post(f"contact/open?email={person.email}")
    await world.spotler.post(f"contact/soft-bounce?email={person.email}")
    await read_now(world)
    rows = {row["dh_type"]: row["dh_name"] for row in await rows_of(world, person.table, person.id)}
    assert rows.keys() == {480000010, 480000001, 480000003}  # sent by an automation, opened, bounced
    assert all(name.endswith(": Welcome to our shop") for name in rows.values())
    assert (await world.dynamics.read("campaigns?$filter=name eq 'Welcome to our shop'"))["value"] == []
    await read_now(world)
    again = await rows_of(world, person.table, person.id)
    assert [row["dh_count"] for row in again] == [1, 1, 1], "the list of bounces tells the same bounce"


async def test_act_05_sch_05_c_05_the_hourly_timer_reads_mailings(world: World) -> None:
    person = await world.synchronised()
    await world.spotler.post("mailing", {"name": "By itself"})
    key = world.connector.master
    assert (await world.connector.call("POST", "/admin/functions/read_engagement", key=key)).is_success

    async def shown() -> bool:
        return any(row["dh_name"] == "Sent: By itself" for row in await rows_of(world, person.table, person.id))

    await eventually(shown, "the mailing on the card")


async def test_three_colleagues_who_click_at_once_are_a_machine_and_earn_nothing(world: World) -> None:
    people = [await world.synchronised(emailaddress1=f"{name}@scanned.example") for name in ("ann", "ben", "cas")]
    await world.spotler.post("mailing", {"name": "Scanned", "inReport": False})
    for person in people:
        await world.spotler.post(f"contact/click?email={person.email}", {"link": 2})
    await asyncio.sleep(1.1)
    await read_now(world, initial=True)
    rows = "dh_marketinginteractions?$select=dh_suspectreason,dh_points&$filter=dh_type eq 480000002 and "
    found = [await world.dynamics.read(f"{rows}_dh_customerid_value eq {person.id}") for person in people]
    reason = {"dh_suspectreason": "several recipients of one domain at once", "dh_points": 0}
    assert [{name: row[name] for name in reason} for one in found for row in one["value"]] == [reason] * 3
    (campaign,) = (await world.dynamics.read("campaigns?$filter=name eq 'Scanned'&$select=dh_clickcount"))["value"]
    assert campaign["dh_clickcount"] == 3, "the numbers of the campaign are Spotler's"


async def test_int_02_visits_that_a_tracker_reports_are_on_the_card(world: World) -> None:
    person = await world.synchronised()
    came = {"visitId": "v-1", "visitedAt": "2026-05-01T09:00:00+02:00", "email": person.email}
    pages = [{"url": "https://shop.example/offer?utm_source=mail&email=x%40y.example", "title": "Offer"}]
    body = [{**came, "pages": pages}, {**came, "visitId": "v-2", "email": "nobody"}, {"visitId": "v-3"}]
    for _ in range(2):
        answer = await world.connector.call("POST", "/api/website-visits", body)
        assert (answer.status_code, answer.json()["accepted"]) == (202, 1), answer.text
        assert [(one["line"], one["field"]) for one in answer.json()["rejected"]] == [(2, "email"), (3, "visitedAt")]
    (row,) = await rows_of(world, person.table, person.id)
    assert (row["dh_type"], row["dh_name"], row["dh_linkname"]) == (480000006, "Website visit: shop.example", "Offer")
    stored = await world.dynamics.read(f"dh_marketinginteractions?$filter=_dh_customerid_value eq {person.id}")
    assert stored["value"][0]["dh_linkurl"] == "https://shop.example/offer?utm_source=mail"
    assert stored["value"][0]["dh_pages"] == "Offer https://shop.example/offer?utm_source=mail"  # WEB-02
    assert (await world.connector.call("POST", "/api/website-visits", b"{")).status_code == 400
    file = f"visitId,visitedAt,email,url,title\nv-4,2026-05-02T09:00:00Z,{person.email},https://shop.example/,Shop\n"
    answer = await world.connector.call("POST", "/api/website-visits", file.encode(), kind="text/csv; charset=utf-8")
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1), answer.text


async def test_eng_01_eng_02_scores_are_on_the_record_and_never_come_back_as_events(world: World) -> None:
    person = await world.synchronised()
    await world.spotler.post("mailing", {"name": "Scored"})
    await world.spotler.post(f"contact/open?email={person.email}")
    await world.settled()
    before = await world.spotler.requests()
    await read_now(world)
    row = await world.dynamics.read(f"contacts({person.id})?$select=dh_engagementscore,dh_engagementweightedscore")
    assert (row["dh_engagementscore"], row["dh_engagementweightedscore"]) == (1, 1)
    await world.settled()
    after = await world.spotler.requests()
    asked = {name for name in after if name.startswith("contact.") and after[name] != before.get(name, 0)}
    assert asked == {"contact.bounces"}, "nobody was written, or read to be written"


async def test_p_16_to_19_the_mailings_are_listed_and_exported(world: World) -> None:
    await world.synchronised()
    await world.spotler.post("mailing", {"name": "Exported; really"})
    await read_now(world)
    listed = (await world.connector.call("GET", "/api/mailings")).json()["mailings"]
    (one,) = [one for one in listed if one["name"] == "Exported; really"]
    assert (one["kind"], one["origin"], int(one["sent"]) >= 1, bool(one["mailing"])) == ("EMAIL", "bulk", True, True)
    table = (await world.connector.call("GET", "/api/mailings?format=csv")).text
    assert table.splitlines()[0].startswith('"mailing","name","kind","origin","begun"')
    assert "Exported; really" in table
    assert (await world.connector.call("GET", "/api/mailings?format=xml")).status_code == 400


async def test_ini_05_bulk_28_the_initial_run_is_begun_by_a_call_and_its_progress_is_in_health(world: World) -> None:
    forecast = (await world.connector.call("GET", "/api/engagement/initial")).json()
    begun = await read_now(world, initial=True)
    assert begun["started"]["since"] >= forecast["since"]

    async def finished() -> bool:
        health = (await world.connector.call("GET", "/api/health")).json()
        return health["engagement"]["initial"]["finished"] is not None

    await eventually(finished, "the end of the initial run")
    health = (await world.connector.call("GET", "/api/health")).json()
    assert health["engagement"]["ok"]
    assert health["engagement"]["initial"]["mailings"] >= forecast["mailings"] + forecast["leftOut"]["nothing-sent"]
    assert health["engagement"]["account"]["opensList"] in {"unknown", "rendered"}
    future = await world.connector.call("POST", "/api/engagement", {"initial": True, "since": "2999-01-01T00:00:00Z"})
    assert future.status_code == 400


async def test_eng_03_other_weights_are_previewed_and_applied_by_a_versioned_file(world: World) -> None:
    person = await world.synchronised(PersonTable.CONTACT)
    await world.spotler.post("mailing", {"name": "News for other weights"})
    await world.spotler.post(f"contact/open?email={person.email}")
    await read_now(world)
    live = await world.connector.call("GET", "/api/engagement/weights")
    text = live.text.replace("version: 1", "version: 2").replace("opened: 1", "opened: 30").encode()
    preview = await world.connector.call("POST", "/api/engagement/weights/preview", text)
    assert preview.json()["engagementScore"]["+25 or more"] >= 1
    refused = await world.connector.call(
        "PUT", "/api/engagement/weights?by=tester", b"version: 3", key=world.connector.master
    )
    assert (refused.status_code, "presets" in refused.text) == (422, True)
    applied = await world.connector.call("PUT", "/api/engagement/weights?by=tester", text, key=world.connector.master)
    assert applied.json()["version"] == 2, applied.text
    again = await world.connector.call("PUT", "/api/engagement/weights?by=tester", text, key=world.connector.master)
    assert (again.status_code, "such as 3" in again.text) == (400, True)

    async def moved() -> bool:
        return bool((await world.dynamics.read("contacts?$filter=dh_engagementscore ge 30&$select=contactid"))["value"])

    await eventually(moved, "scores by the new weights")
    points = "dh_marketinginteractions?$filter=dh_type eq 480000001 and dh_points eq 30&$select=dh_points"
    assert (await world.dynamics.read(points))["value"], "points are written before scores"
    health = (await world.connector.call("GET", "/api/health")).json()
    assert health["engagement"]["weights"] == "2-b2b"
