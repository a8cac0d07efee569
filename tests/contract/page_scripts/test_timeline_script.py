"""The record source of the timeline in a real browser, against a stand-in for the form's API (ACT-01, ACT-02)."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.programs.chromium import chromium
from tests.programs.node import ROOT, WEB_RESOURCES

PAGE = ROOT / "tests" / "contract" / "page_scripts" / "timeline" / "timeline.html"
CONTACT = "6d81597f-0f9f-e711-8122-000d3aa2331c"
MAILING = "0b7e3a0c-6f0b-4f0e-9e0a-2f5a3c1d7e11"
SENT, OPENED, CLICKED, BOUNCED, UNSUBSCRIBED = range(480000000, 480000005)


def row(kind: int, name: str, day: int, **columns: Any) -> dict[str, Any]:
    return {
        "dh_marketinginteractionid": f"{kind}-{day}",
        "dh_name": name,
        "dh_type": kind,
        "dh_occurredon": f"2026-05-{day:02}T09:00:00Z",
        "dh_count": 1,
        "_dh_campaignid_value": MAILING,
        **columns,
    }


ROWS = [
    row(SENT, "Sent: March news", 1, dh_onlineversion="https://archive.example/m1"),
    row(OPENED, "Opened: March news", 2, dh_count=3),
    row(CLICKED, "Clicked: March news", 3, dh_count=2, dh_linkname="Offer", dh_linkurl="https://shop.example/offer"),
    row(CLICKED, "Clicked: March news", 4, dh_linkname="Shop", dh_suspect=True, dh_suspectreason="honeypot"),
    row(BOUNCED, "Bounced: automation", 4, dh_bouncetype=480000001, _dh_campaignid_value=None),
    row(BOUNCED, "Bounced: April news", 5, dh_bouncetype=480000000),
    row(UNSUBSCRIBED, "Unsubscribed: April news", 6, dh_attribution=480000001),
]


def browser() -> str:
    """The browser of this machine; without one the tests are skipped, with CI=true they fail."""
    found = chromium()
    if found is None and os.environ.get("CI") != "true":
        pytest.skip("no browser on this machine")
    assert found is not None, "CI needs chromium"
    return found


def show(folder: Path, *, variable: str | None = "", table: str = "contact", top: int = 50, searched: str = "") -> str:
    """Open a form with the timeline; its document after everything was loaded."""
    scene = {
        "page": {"entityId": f"{{{CONTACT}}}", "entityTypeName": table},
        "rows": ROWS,
        "variable": variable,
        "top": top,
        "searched": searched,
    }
    script = (WEB_RESOURCES / "dh_spotlertimeline.js").read_text(encoding="utf-8")
    text = PAGE.read_text(encoding="utf-8").replace("SCRIPT", script, 1).replace("SCENE", json.dumps(scene), 1)
    (folder / "page.html").write_text(text, encoding="utf-8")
    options = (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={folder}",
        "--virtual-time-budget=3000",
    )
    done = subprocess.run(
        [browser(), *options, "--dump-dom", (folder / "page.html").as_uri()],
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert "FAILED" not in done.stdout.rpartition("</ol>")[2].partition("<script")[0], done.stdout
    return done.stdout


def cards(document: str) -> list[str]:
    return [html.unescape(re.sub("<[^>]+>", "", one)) for one in re.findall(r"<li>(.*?)</li>", document)]


def asked(document: str) -> list[str]:
    found = re.search(r'<pre id="asked">(.*?)</pre>', document)
    assert found is not None
    queries: list[str] = json.loads(html.unescape(found[1]))
    return queries


def test_interactions_are_cards_newest_first_without_a_stored_activity(tmp_path: Path) -> None:
    document = show(tmp_path)
    assert cards(document) == [
        "Unsubscribed: April news |  | Assumed: the newest mailing",
        "Bounced: April news |  | Hard bounce",
        "Bounced: automation |  | Soft bounce",  # ACT-08
        "Clicked: March news | Shop | By a machine: honeypot",
        "Clicked: March news | Offer https://shop.example/offer | 2 times",
        "Sent: March news | https://archive.example/m1 | Opened 3 times",
    ]
    assert len(re.findall(r"color: rgb\(138, 136, 134\)", document)) == 3, "what a machine did is grey"
    assert [query.partition("?")[0] for query in asked(document)] == [
        "environmentvariabledefinition",
        "dh_marketinginteraction",
    ]
    assert f"_dh_customerid_value eq {CONTACT}" in asked(document)[1]


def test_act_02_the_variable_decides_which_kinds_are_shown(tmp_path: Path) -> None:
    found = cards(show(tmp_path, variable=" Opened , clicked, nonsense"))
    assert [card.partition(":")[0] for card in found] == ["Clicked", "Clicked", "Opened"]


def test_a_user_who_may_not_read_variables_sees_the_default(tmp_path: Path) -> None:
    assert len(cards(show(tmp_path, variable=None))) == 6


def test_a_lead_has_its_own_lookup_and_pages_and_searches_work(tmp_path: Path) -> None:
    document = show(tmp_path, table="lead", top=1, searched="april")
    assert len(cards(document)) == 2
    assert f"_dh_leadid_value eq {CONTACT}" in asked(document)[1]
    assert len(asked(document)) == 2, "pages are read once"
