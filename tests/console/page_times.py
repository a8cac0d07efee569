"""`python -m tests.console.page_times`: how long the server takes for each page with 5,000 people in the state.

Pages wait for no service, so the state alone counts; what asks Dataverse or Spotler is a part, and is not measured.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from uuid import UUID

from shared.composition import app
from shared.console.access.roles import Role, User
from shared.console.access.sessions import SESSION, Session, Sessions
from shared.console.console import answer
from shared.console.routes import ROUTES
from shared.console.web import Method, WebRequest
from shared.domain.planning.binding import Binding
from shared.domain.records.outcomes import Outcome, Reason, Result
from shared.domain.records.records import PersonTable, RecordKey
from shared.engine.bindings.binding_documents import BindingUpdate

_PEOPLE, _TIMES = 5_000, 9
_LIMIT_MS = 300.0
_NOWHERE = {
    **{f"{name}_URL": f"http://127.0.0.1:9/{name.lower()}" for name in ("DATAVERSE", "SPOTLER")},
    **dict.fromkeys(("DATAVERSE_TENANT_ID", "DATAVERSE_CLIENT_ID"), "00000000-0000-4000-8000-000000000001"),
    **dict.fromkeys(("DATAVERSE_CLIENT_SECRET", "SPOTLER_KEY", "SPOTLER_SECRET"), "none"),
}
"""Services that nobody answers for."""

_ENDS = (
    (Result.WRITTEN, Reason.CREATED),
    (Result.UNCHANGED, Reason.AGREED),
    (Result.SKIPPED, Reason.FILTERED),
    (Result.FAILED, Reason.INVALID_EMAIL),
)


async def main() -> int:
    """Print the median of each page, in milliseconds of the clock and of the processor; 1 if one is above the limit."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {**_NOWHERE, "LOCAL_FOLDER": folder}
        await _fill()
        key = (await (await app.services()).keys.ring()).first_key
        cookie = Sessions(key).write(Session(User("local", Role.ADMINISTRATOR), "measured"))
        slow = [page for page in _pages() if await _measured(page, cookie) > _LIMIT_MS]
        await app.shut_down()
    return 1 if slow else 0


async def _fill() -> None:
    """Bind people as the engine does, and count them."""
    ledger, now = (await app.connector()).ledger, datetime.now(UTC)
    keys = [RecordKey(PersonTable.CONTACT, UUID(int=number + 1)) for number in range(_PEOPLE)]
    prints = {f"field{number}": f"fingerprint-{number:020d}" for number in range(20)}
    for start in range(0, _PEOPLE, 500):
        updates = {}
        for key in keys[start : start + 500]:
            result, reason = _ENDS[key.id.int % len(_ENDS)]
            is_live = result in {Result.WRITTEN, Result.UNCHANGED}
            binding = Binding(str(key.id), is_live, prints if is_live else {}, f"address-{key.id.int}", since=now)
            updates[key] = BindingUpdate(binding, Outcome(key, result, reason), "measured")
        await ledger.save(updates, (), dict.fromkeys(updates, ""))
    standings = (await app.administration()).standings
    for _ in range(_PEOPLE // 5_000 + 1):
        await standings.count()


def _pages() -> list[str]:
    person = f"person/{PersonTable.CONTACT}/{UUID(int=1)}"
    plain = [one.pattern for one in ROUTES if one.method is Method.GET and not one.is_part and "." not in one.pattern]
    return [*(one for one in plain if "*" not in one and not one.startswith("mapping/proposal")), person]


async def _measured(page: str, cookie: str) -> float:
    request = WebRequest(Method.GET, tuple(page.split("/")) if page else (), cookies={SESSION: cookie})
    walls, processor = [], []
    for _ in range(_TIMES):
        begun = time.perf_counter(), time.process_time()
        answered = await answer(request)
        walls.append((time.perf_counter() - begun[0]) * 1000)
        processor.append((time.process_time() - begun[1]) * 1000)
        assert answered.status == 200, f"{page}: {answered.status}"
    own = statistics.median(processor)
    size = len(answered.body) / 1024
    took = f"{statistics.median(walls):6.1f} ms, {own:6.1f} ms of processor, {size:5.1f} kB"
    sys.stdout.write(f"/console/{page:<40} {took}\n")
    return own


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
