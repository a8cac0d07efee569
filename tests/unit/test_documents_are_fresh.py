"""What is generated into documents is what the code says today."""

from __future__ import annotations

from pathlib import Path

from shared.local.settings_table import settings_table

ROOT = Path(__file__).resolve().parents[2]


def test_the_readme_has_the_settings_table_of_the_code() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    begin, end = readme.index("<!-- settings:"), readme.index("<!-- /settings -->")

    assert readme[begin:end].partition("-->\n")[2].strip() == settings_table(), "run: python -m shared settings"


def test_every_decision_is_numbered_in_its_title() -> None:
    for path in sorted((ROOT / "docs" / "decisions").glob("0*.md")):
        number = int(path.name[:4])
        assert path.read_text(encoding="utf-8").startswith(f"# {number}. "), path.name
