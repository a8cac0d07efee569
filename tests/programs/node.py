"""Runs the scripts of Dataverse pages by node, against a fake page.

Without node such tests are skipped with that reason; with CI=true they fail.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
WEB_RESOURCES = ROOT / "infra" / "dataverse" / "webresources"


def play(page: Path, script: Path, scene: dict[str, Any]) -> Any:
    """Play a scene on a fake page that has loaded the script; what the page wrote of it."""
    player = _player()
    assert player.stdin is not None
    assert player.stdout is not None
    player.stdin.write(json.dumps({"page": str(page), "script": str(script), "scene": scene}) + "\n")
    player.stdin.flush()
    if not (line := player.stdout.readline()):
        _player.cache_clear()
        pytest.fail("the player of scenes ended")
    answer = json.loads(line)
    assert "seen" in answer, answer["failed"]
    return answer["seen"]


def press_sync(scene: dict[str, Any]) -> dict[str, Any]:
    """Press Sync To Spotler on the form of a marketing list (`page_scripts/list_button/fake_page.js`)."""
    page = ROOT / "tests" / "contract" / "page_scripts" / "list_button" / "fake_page.js"
    seen: dict[str, Any] = play(page, WEB_RESOURCES / "dh_spotlerlist.js", scene)
    return seen


@cache
def _player() -> subprocess.Popen[str]:
    """Start one process for all scenes of this process: node takes longer to start than to play one."""
    player = subprocess.Popen(
        [_node(), str(Path(__file__).with_name("scene_player.js"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(player.communicate)
    return player


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
