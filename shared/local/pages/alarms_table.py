"""The alarms as a Markdown table, for `docs/observability.md`: generated, so that it cannot go stale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ALARMS = Path(__file__).resolve().parents[3] / "infra" / "alarms.yaml"
_SIGNS = {"GreaterThan": ">", "LessThan": "<"}


def alarms() -> list[dict[str, Any]]:
    """Read the alarms."""
    document: dict[str, list[dict[str, Any]]] = yaml.safe_load(ALARMS.read_text(encoding="utf-8"))
    return document["alarms"]


def alarms_table() -> str:
    """Return one row per alarm."""
    rows = ["| alarm, severity | when | meaning | what to do |", "|---|---|---|---|"]
    rows += [
        f"| `{one['name']}`, {one['severity']} | {_when(one)} | {one['meaning']} | {one['action']} |"
        for one in alarms()
    ]
    return "\n".join(rows)


def _when(alarm: dict[str, Any]) -> str:
    where = "".join(f" of {name} {' or '.join(values)}" for name, values in alarm.get("where", {}).items())
    split = f", by {' and '.join(alarm['split'])}" if "split" in alarm else ""
    sign = _SIGNS[alarm["operator"]]
    return (
        f"{alarm['aggregation']} of `{alarm['metric']}`{where}{split} {sign} {alarm['threshold']} in {alarm['window']}"
    )
