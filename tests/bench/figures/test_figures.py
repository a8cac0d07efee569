"""A benchmark that got more than 20 % worse is named, whichever way its figure gets better; plots are XML."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.bench.figures import figure, page
from tests.bench.figures.figure import Better, Figure, compared, keep_baseline
from tests.bench.figures.plots import Bar, bars


@pytest.fixture(autouse=True)
def _own_baseline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figure, "_BASELINE", tmp_path / "baseline.json")
    keep_baseline([Figure("speed", 100), Figure("calls", 2.0, Better.LOWER)])


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (Figure("speed", 81), []),
        (Figure("speed", 79), ["speed: 79, 21% worse than 100"]),
        (Figure("speed", 300), []),
        (Figure("calls", 2.39, Better.LOWER), []),
        (Figure("calls", 2.5, Better.LOWER), ["calls: 2.5, 25% worse than 2"]),
        (Figure("calls", 0.1, Better.LOWER), []),
        (Figure("new", 1), ["new: 1, not in the baseline"]),
    ],
)
def test_what_got_more_than_a_fifth_worse_is_told(now: Figure, told: list[str]) -> None:
    assert compared([now]) == told


def test_figures_that_were_not_measured_stay_in_the_baseline() -> None:
    keep_baseline([Figure("speed", 50)])
    assert compared([Figure("speed", 50), Figure("calls", 2.0, Better.LOWER)]) == []


def test_a_plot_has_a_bar_and_a_label_for_each_value() -> None:
    groups = [("0 ms", [Bar("a & b", 3.2, "3.2", 0), Bar("c", 4_000, "4,000")]), ("50 ms", [Bar("a", 7, "7", 0)])]
    root = ET.fromstring(bars("Requests", "shorter is better", groups))
    space = "{http://www.w3.org/2000/svg}"
    widths = [float(one.attrib["width"]) for one in root.iter(f"{space}rect")][1:]
    assert len(widths) == 3
    assert widths[1] == max(widths)
    assert {"a & b", "4,000", "50 ms"} <= {one.text for one in root.iter(f"{space}text")}


def test_only_the_part_of_a_benchmark_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = tmp_path / "performance.md"
    text.write_text(
        "before\n<!-- bench a -->\nold\n<!-- /bench a -->\nafter\n<!-- bench b -->\nold\n<!-- /bench b -->\n"
    )
    monkeypatch.setattr(page, "_PAGE", text)
    page.write_part("a", "new")
    assert text.read_text() == (
        "before\n<!-- bench a -->\n\nnew\n\n<!-- /bench a -->\nafter\n<!-- bench b -->\nold\n<!-- /bench b -->\n"
    )
    with pytest.raises(ValueError, match="no marks"):
        page.write_part("c", "new")
