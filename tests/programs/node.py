"""Runs the scripts of Dataverse pages by node, against a fake page.

Without node such tests are skipped with that reason; with CI=true they fail.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import warnings
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
WEB_RESOURCES = ROOT / "infra" / "dataverse" / "webresources"


def play(page: Path, script: Path, scene: dict[str, Any]) -> Any:
    """Play a scene on a fake page that has loaded the script; what the page wrote of it."""
    done = subprocess.run(
        [_node(), str(page), str(script)],
        input=json.dumps(scene),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def press_sync(scene: dict[str, Any]) -> dict[str, Any]:
    """Press Sync To Spotler on the form of a marketing list (`page_scripts/list_button/fake_page.js`)."""
    page = ROOT / "tests" / "contract" / "page_scripts" / "list_button" / "fake_page.js"
    seen: dict[str, Any] = play(page, WEB_RESOURCES / "dh_spotlerlist.js", scene)
    return seen


def _node() -> str:
    program = shutil.which("node")
    if program is None:
        why = "node is not installed: nobody has run the scripts of Dataverse pages"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.warn(why, stacklevel=2)
        pytest.skip(why)
    return program
