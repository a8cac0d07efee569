"""Whether everybody can use a page: axe finds nothing serious, nothing scrolls sideways. Pictures for the documents."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from axe_playwright_python.base import AXE_SCRIPT

from tests.console.visitors.visitor import NARROW, WIDE, Scheme, Visitor

SERIOUS = {"serious", "critical"}
PICTURES = os.environ.get("CONSOLE_PICTURES", "")
_AT_NIGHT: tuple[int, Scheme] = (NARROW, "dark")
_OF_LOOKS = ["color-contrast", "link-in-text-block", "scrollable-region-focusable"]
"""The rules whose result depends on theme or width; the others look at the same document again."""

AXE_ON_REQUEST = f"""
window.startAxe = function () {{
  {AXE_SCRIPT};
  const serious = axe._audit.rules
    .filter(one => one.enabled && !one.tags.some(tag => axe._audit.tagExclude.includes(tag)))
    .filter(one => {sorted(SERIOUS)}.includes(one.impact)).map(one => one.id);
  window.findSerious = async only => {{
    // No rule that runs reads style sheets.
    const report = await axe.run(document, {{resultTypes: ["violations"], preload: false, runOnly: only || serious}});
    return report.violations.map(one => `${{one.id}}: ${{one.nodes[0].html.slice(0, 150)}}`);
  }};
}};
"""
"""For each page of a browser: it compiles axe for the first one only, which takes more time than to look at a page.

`findSerious` runs `only` some rules, or all of those whose findings are serious.
"""


async def picture(page: Visitor, name: str) -> None:
    """Write a picture for the documents, if `CONSOLE_PICTURES` names their folder."""
    if PICTURES:
        await page.page.screenshot(path=Path(PICTURES) / f"console-{name}.png", full_page=True)


async def assert_usable(found: Visitor) -> None:
    """A screen reader can use the page, and nothing scrolls sideways."""
    await _assert_nothing_serious(found)
    await _assert_fits(found)


async def assert_usable_everywhere(found: Visitor) -> None:
    """Likewise, and in the dark on a telephone: its looks change there, and the document does not.

    It begins as the window is, and leaves it the other way round: each change paints the page again.
    """
    if found.looks == _AT_NIGHT:
        await _assert_usable_at_night(found)
        await found.look(WIDE, "light")
        await assert_usable(found)
    else:
        await assert_usable(found)
        await _assert_usable_at_night(found)


async def _assert_usable_at_night(found: Visitor) -> None:
    await found.look(*_AT_NIGHT)
    await _assert_nothing_serious(found, _OF_LOOKS)
    await _assert_fits(found)


async def _assert_nothing_serious(found: Visitor, only: Sequence[str] | None = None) -> None:
    serious = await found.page.evaluate("only => { window.findSerious || startAxe(); return findSerious(only) }", only)
    assert not serious, f"{found.page.url}: {serious}"


async def _assert_fits(found: Visitor) -> None:
    wide = await found.page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, f"{found.page.url} scrolls sideways by {wide} pixels"
