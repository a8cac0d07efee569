"""The consent ledger as an administrator reads it: over HTTP, from a terminal, and for one person in explain."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from shared.composition.connections import SystemClock
from shared.consent.audit_ledger import COLUMNS, ConsentLedger
from shared.consent.bounce_repository import BounceRepository
from shared.domain.consent.bounces import BounceKind, BounceNote
from shared.domain.consent.changes import ConsentChange, ConsentSource, ConsentState, permission
from shared.domain.records.records import PersonTable, RecordKey
from tests.programs.processes import run
from tests.scenario.connector_process import SYSTEM
from tests.scenario.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

LONG_AGO = datetime(2001, 2, 28, 23, 59, tzinfo=UTC)


async def told(world: World, key: RecordKey, count: int) -> list[ConsentChange]:
    """Let the ledger know of changes, one a day."""
    changes = [
        ConsentChange(
            at=LONG_AGO + timedelta(days=number),
            record=key,
            external_id=f"=cmd|{key.id}",
            subject=permission(4),
            old=ConsentState.UNKNOWN if number == 0 else ConsentState.of(bool((number + 1) % 2)),
            new=ConsentState.of(bool(number % 2)),
            source=ConsentSource.PLATFORM_PROFILE,
            correlation=str(uuid4()),
        )
        for number in range(count)
    ]
    await ConsentLedger(world.store, SystemClock(), "default").record(changes)
    return changes


def new_record() -> RecordKey:
    return RecordKey(PersonTable.LEAD, uuid4())


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def test_every_change_of_one_record_comes_as_csv_that_no_spreadsheet_executes(world: World) -> None:
    key = new_record()
    changes = await told(world, key, 3)
    answer = await world.connector.call("GET", f"/api/consent.csv?record={key}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.splitlines()[0] == ",".join(f'"{column}"' for column in COLUMNS)
    found = rows(answer.text)
    assert [row["at"] for row in found] == [change.moment for change in changes]
    assert {row["externalId"] for row in found} == {f"'=cmd|{key.id}"}
    assert [(row["old"], row["new"]) for row in found] == [("unknown", "no"), ("no", "yes"), ("yes", "no")]


async def test_a_range_of_time_and_where_the_rest_is(world: World) -> None:
    key = new_record()
    changes = await told(world, key, 6)
    query = f"record={key}&from=2001-03-01&to=2001-03-05&limit=3"
    answer = await world.connector.call("GET", f"/api/consent.csv?{query}")
    assert [row["at"] for row in rows(answer.text)] == [change.moment for change in changes[1:4]]
    link = answer.headers["link"]
    assert link.endswith('>; rel="next"')
    in_query = await world.connector.call(
        "GET", f"/api/consent.csv?{query}&code={world.connector.function_key}", key=""
    )
    assert in_query.headers["link"] == link, "the key does not come back in a link"
    rest = await world.connector.call("GET", link[1 : link.index(">")])
    assert [row["at"] for row in rows(rest.text)] == [change.moment for change in changes[4:5]]
    assert "link" not in rest.headers


@pytest.mark.parametrize("query", ["from=yesterday", "record=somebody", "limit=0", "to=2001-13-01"])
async def test_a_question_that_makes_no_sense_is_answered_with_how_to_ask(world: World, query: str) -> None:
    answer = await world.connector.call("GET", f"/api/consent.csv?{query}")
    assert answer.status_code == 400
    assert "contact:{its id}" in answer.json()["error"]


@pytest.mark.parametrize("key", ["", "guessed"])
async def test_without_a_key_nobody_reads_it(world: World, key: str) -> None:
    assert (await world.connector.call("GET", "/api/consent.csv", key=key)).status_code == 401


async def test_explain_shows_the_last_changes_newest_first(world: World) -> None:
    key = new_record()
    changes = await told(world, key, 3)
    answer = (await world.connector.call("GET", f"/api/explain/{key.table}/{key.id}")).json()
    assert [one["at"] for one in answer["consent"]] == [change.moment for change in reversed(changes)]
    nobody = (await world.connector.call("GET", f"/api/explain/contact/{UUID(int=4242)}")).json()
    assert nobody["consent"] == []


async def test_the_terminal_exports_the_same(world: World) -> None:
    key = new_record()
    await told(world, key, 2)
    ended = await run(("consent", "export", "--record", str(key)), {**SYSTEM, **world.connector.settings})
    assert ended.code == 0
    assert "2 changes of consent\n" in ended.complaint
    answer = await world.connector.call("GET", f"/api/consent.csv?record={key}")
    assert ended.output.splitlines() == answer.text.splitlines()


async def test_bnc_13_the_bounce_report_is_json_or_csv(world: World) -> None:
    contact = str(uuid4())
    note = BounceNote(contact, BounceKind.HARD, LONG_AGO, LONG_AGO, "m-1", closed=LONG_AGO, seen=("x",))
    await BounceRepository(world.store, "default").change([contact], lambda _before: note)
    answer = await world.connector.call("GET", "/api/bounces?limit=1000")
    (row,) = (row for row in answer.json()["bounces"] if row["externalId"] == contact)
    assert (row["kind"], row["since"], row["record"], row["mailing"]) == (
        "hard",
        "2001-02-28T23:59:00+00:00",
        "",
        "m-1",
    )
    as_csv = await world.connector.call("GET", "/api/bounces?format=csv")
    assert row in rows(as_csv.text)
    assert (await world.connector.call("GET", "/api/bounces?format=pdf")).status_code == 400
    assert (await world.connector.call("GET", "/api/bounces", key="guessed")).status_code == 401
