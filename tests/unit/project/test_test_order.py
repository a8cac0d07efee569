"""`make test` begins with what takes long, and leaves nothing out."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.order import LONGER, SLOW_FOLDERS, deal

TESTS = Path(__file__).parents[2]


def items_of(name: str, count: int, **more: Any) -> list[Any]:
    return [SimpleNamespace(path=TESTS / name, number=one, **more) for one in range(count)]


def test_the_modules_that_take_long_exist() -> None:
    assert [name for name in LONGER if not (TESTS / name).is_file()] == []
    assert all(name.startswith(SLOW_FOLDERS) for name in LONGER)


def test_each_part_begins_with_its_share_of_what_takes_long() -> None:
    long = [items_of(name, 3) for name in ("chaos/a.py", "scenario/lists/b.py", "scenario/jobs/c.py")]
    short = items_of("unit/d.py", 20)

    dealt = deal([*long[0], *short, *long[1], *long[2]], 3)

    assert sorted(dealt, key=id) == sorted([*chain(*long), *short], key=id)
    assert [dealt[begin : begin + 3] for begin in (0, 9, 19)] == long, "xdist divides 29 tests into 9, 10 and 10"


def test_modules_that_share_a_world_stay_in_one_process() -> None:
    own = SimpleNamespace(world=object())
    shared = [
        items_of(name, 2, fixturenames=("world",), module=SimpleNamespace())
        for name in ("scenario/a.py", "scenario/lists/b.py", "scenario/jobs/c.py")
    ]
    alone = items_of("scenario/faults/d.py", 2, fixturenames=("world",), module=own)

    dealt = deal([*shared[0], *alone, *shared[1], *shared[2]], 2)

    assert dealt == [*chain(*shared), *alone]
