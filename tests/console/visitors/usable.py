"""Whether everybody can use a page: axe finds nothing serious, nothing scrolls sideways. Pictures for the documents."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT

from tests.console.visitors.visitor import Visitor

SERIOUS = {"serious", "critical"}
PICTURES = os.environ.get("CONSOLE_PICTURES", "")
_WIDE, _NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 900}
_OF_LOOKS = ["color-contrast", "link-in-text-block", "scrollable-region-focusable"]
"""The rules whose result depends on theme or width; the others look at the same document again."""

_NEVER_SERIOUS = ("region", "landmark-unique", "heading-order", "page-has-heading-one", "landmark-one-main")
"""Rules whose findings have a lower impact, and are not asserted; `region` alone takes a fifth of the time."""

_OPTIONS: Mapping[str, Any] = {
    "resultTypes": ["violations"],
    "preload": False,  # no rule that runs reads style sheets
    "rules": {name: {"enabled": False} for name in _NEVER_SERIOUS},
}


async def picture(page: Visitor, name: str) -> None:
    """Write a picture for the documents, if `CONSOLE_PICTURES` names their folder."""
    if PICTURES:
        await page.page.screenshot(path=Path(PICTURES) / f"console-{name}.png", full_page=True)


async def assert_usable(found: Visitor) -> None:
    """A screen reader can use the page, and nothing scrolls sideways."""
    await _assert_nothing_serious(found, {})
    await _assert_fits(found)


async def assert_usable_everywhere(found: Visitor) -> None:
    """Likewise, and in the dark on a telephone: its looks change there, and the document does not."""
    await assert_usable(found)
    await found.page.set_viewport_size(_NARROW)
    await found.page.emulate_media(color_scheme="dark")
    await _assert_nothing_serious(found, {"runOnly": {"type": "rule", "values": _OF_LOOKS}})
    await _assert_fits(found)
    await found.page.set_viewport_size(_WIDE)
    await found.page.emulate_media(color_scheme="light")


async def _assert_nothing_serious(found: Visitor, options: Mapping[str, Any]) -> None:
    if not await found.page.evaluate("() => 'axe' in window"):
        await found.page.evaluate(AXE_SCRIPT)
    report = await found.page.evaluate("options => axe.run(document, options)", {**_OPTIONS, **options})
    serious = [
        f"{found.page.url}: {one['id']}: {one['nodes'][0]['html'][:150]}"
        for one in report["violations"]
        if one["impact"] in SERIOUS
    ]
    assert not serious, serious


async def _assert_fits(found: Visitor) -> None:
    wide = await found.page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, f"{found.page.url} scrolls sideways by {wide} pixels"
