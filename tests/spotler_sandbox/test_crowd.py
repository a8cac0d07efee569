"""People of the sandbox who act by themselves: the same acts in every run, over time, some of them noted late."""

from __future__ import annotations

from typing import Any

from tests.spotler_sandbox.session import Spotler


def crowded(spotler: Spotler, **options: Any) -> str:
    for number in range(200):
        spotler.write(f"p{number}", email=f"p{number}@example.com")
    sent = spotler.people("POST", "/mailing", json={"name": "News", "halfMinutes": 60, **options})
    handle: str = sent["encryptedId"]
    return handle


def counts(spotler: Spotler, handle: str) -> dict[str, int]:
    found: dict[str, int] = spotler.get(f"/mailing/{handle}/statistics")
    return found


def test_numbers_grow_while_time_passes(spotler: Spotler) -> None:
    handle = crowded(spotler)
    seen = [counts(spotler, handle)["openCount"]]
    for _ in range(4):
        spotler.clock.forward(hours=1)
        seen.append(counts(spotler, handle)["openCount"])
    assert seen == sorted(seen)
    assert seen[0] < seen[1] < seen[-1] < 120


def test_scanners_click_every_link_within_seconds(spotler: Spotler) -> None:
    handle = crowded(spotler)
    spotler.clock.forward(seconds=10)
    clicks = spotler.get(f"/mailing/{handle}/clicks", pageSize=1000)["clicks"]
    people = {click["contactIdentifier"]["externalId"] for click in clicks}
    assert people
    for who in people:
        own = [click for click in clicks if click["contactIdentifier"]["externalId"] == who]
        assert {click["linkId"] for click in own} >= {1, 2, 3, 4}


def test_some_events_are_noted_later_than_they_happened(spotler: Spotler) -> None:
    crowded(spotler)
    spotler.clock.forward(days=2)
    opened = spotler.get("/mailing-interaction/opened", pageSize=1000)["interactions"]
    late = [one for one in opened if one["changeDate"] > one["date"]]
    assert 0 < len(late) < len(opened) / 3


def test_a_mailing_outside_of_the_trend_report_is_not_in_the_feed(spotler: Spotler) -> None:
    handle = crowded(spotler, inReport=False)
    spotler.clock.forward(days=1)
    assert spotler.get("/mailing-interaction/opened", pageSize=1000)["interactions"] == []
    assert spotler.get(f"/mailing/{handle}/opens", pageSize=1000)["opens"]
