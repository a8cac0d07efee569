"""`python -m shared visits FILE`: visits from a file, in portions, and never in shadow mode."""

from __future__ import annotations

import argparse
from pathlib import Path
from types import SimpleNamespace

import pytest

from shared.composition import app
from shared.local.commands.engagement import visits_command
from tests.unit.engagement.engagement_world import EngagementWorld, open_world

HEADER = "visitId,visitedAt,email\n"


def over(world: EngagementWorld, monkeypatch: pytest.MonkeyPatch, *, is_shadow: bool = False) -> None:
    """Let the command talk to the twins."""

    async def connector() -> SimpleNamespace:
        return SimpleNamespace(engagement=world.twin.engagement)

    async def services() -> SimpleNamespace:
        return SimpleNamespace(clock=world.twin.clock)

    async def shadow() -> bool:
        return is_shadow

    async def shut_down() -> None:
        pass

    for name, stand_in in (("connector", connector), ("services", services), ("is_shadow", shadow)):
        monkeypatch.setattr(app, name, stand_in)
    monkeypatch.setattr(app, "shut_down", shut_down)
    monkeypatch.setattr(visits_command, "read_local_settings", lambda: None)


async def test_int_02_a_file_of_any_length_is_kept_in_portions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visits_command, "_TOGETHER", 10)
    world = await open_world(1)
    over(world, monkeypatch)
    known = "".join(f"v{number},2026-01-01T09:00:00Z,p0@firm0.example\n" for number in range(21))
    file = tmp_path / "visits.csv"
    file.write_text(f"{HEADER}{known}w1,2026-01-01T09:00:00Z,nobody@example.com\nw2,,x@example.com\n", "utf-8-sig")
    for _ in range(2):
        assert await visits_command.run(argparse.Namespace(file=file)) == 1
        printed = capsys.readouterr().out
        assert printed.startswith("21 visits are kept; 1 were of people without a record; 1 were rejected.")
        assert "line 24: visitedAt: Field required" in printed
    assert len(world.rows.interactions) == 21


async def test_in_shadow_mode_nothing_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await open_world(1)
    over(world, monkeypatch, is_shadow=True)
    file = tmp_path / "visits.csv"
    file.write_text(f"{HEADER}v1,2026-01-01T09:00:00Z,p0@firm0.example\n", "utf-8")
    assert await visits_command.run(argparse.Namespace(file=file)) == 1
    assert "shadow mode" in capsys.readouterr().err
    assert not world.rows.interactions


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(None, "No such file"), (b"visitId\n\xff\n", "no UTF-8"), (b"visitId\nv1\n", "names no column visitedAt")],
)
async def test_a_file_that_cannot_be_read_is_refused_by_what_is_wrong(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    content: bytes | None,
    complaint: str,
) -> None:
    over(await open_world(0), monkeypatch)
    file = tmp_path / "visits.csv"
    if content is not None:
        file.write_bytes(content)
    assert await visits_command.run(argparse.Namespace(file=file)) == 1
    assert complaint in capsys.readouterr().err
