"""The browser of the tests: Chromium of the machine, else Playwright's own download.

The shell without windows comes first: it takes half the processor time beside the pages themselves.
"""

from __future__ import annotations

import shutil

NOT_COVERED = "the console in a browser is NOT covered: there is no Chromium"
_PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """The Chromium of the machine."""
    return next((path for name in _PROGRAMS if (path := shutil.which(name))), None)
