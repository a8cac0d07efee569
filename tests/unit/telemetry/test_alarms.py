"""Every alarm has an existing metric, possible dimensions and values, and an action."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from shared.domain.records.outcomes import Reason, Result
from shared.errors import Service
from shared.local.pages.alarms_table import alarms
from shared.ports.queue import QueueName
from shared.telemetry.signals import HEARTBEAT, OLDEST, SIGNALS, UP, SignalKind

METRICS = {signal.name: signal for signal in SIGNALS}
KNOWN = {
    "reason": set(Reason),
    "result": set(Result),
    "queue": set(QueueName),
    "lane": set(QueueName),
    "service": set(Service),
    "state": {"active", "scheduled", "dead"},
}
every_alarm = pytest.mark.parametrize("alarm", alarms(), ids=lambda alarm: alarm["name"])


class Alarm(BaseModel):
    """What a template can count on."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[a-z]+(-[a-z]+)*$")
    metric: str
    aggregation: str = Field(pattern="^(total|average|maximum|minimum|count)$")
    operator: str = Field(pattern="^(GreaterThan|LessThan)$")
    threshold: float
    where: dict[str, list[str]] = {}
    split: list[str] = []
    window: str = Field(pattern=r"^P(T(5M|10M|15M|30M|1H|2H|6H|12H)|1D)$")
    every: str = Field(pattern=r"^PT(1M|5M|15M|30M|1H)$")
    severity: int = Field(ge=0, le=3)
    absent: bool = False
    meaning: str = Field(min_length=20)
    action: str = Field(min_length=20)


@every_alarm
def test_an_alarm_has_the_form_that_templates_expect(alarm: dict[str, Any]) -> None:
    Alarm.model_validate(alarm)


@every_alarm
def test_the_metric_of_an_alarm_exists_with_its_dimensions(alarm: dict[str, Any]) -> None:
    signal = METRICS[alarm["metric"]]
    where = alarm.get("where", {})

    assert {*where, *alarm.get("split", ())} <= set(signal.dimensions)
    for name, values in where.items():
        assert name not in KNOWN or set(values) <= KNOWN[name]
    if signal.kind is SignalKind.COUNTER:
        assert alarm["aggregation"] in {"total", "count"}
    else:
        assert alarm["aggregation"] in {"average", "maximum", "minimum"}


def test_alarms_have_names_of_their_own() -> None:
    names = [alarm["name"] for alarm in alarms()]

    assert len(names) == len(set(names))


def test_silence_standstill_and_erasures_have_alarms() -> None:
    assert {HEARTBEAT.name, UP.name, OLDEST.name} <= {alarm["metric"] for alarm in alarms()}
    (beat,) = [alarm for alarm in alarms() if alarm["metric"] == HEARTBEAT.name]
    assert beat["absent"]
    assert any(alarm.get("where") == {"result": ["anonymised"]} for alarm in alarms())


@every_alarm
def test_actions_name_calls_and_files_that_exist(alarm: dict[str, Any]) -> None:
    from pathlib import Path  # noqa: PLC0415

    from shared.triggers.http.access import ROUTES  # noqa: PLC0415

    root = Path(__file__).resolve().parents[3]
    for path in re.findall(r"docs/[\w./-]+\w", alarm["action"]):
        assert (root / path).exists()
    for method, path in re.findall(r"(GET|POST) /api/([\w/-]+\w)", alarm["action"]):
        assert (method, path) in {(route.method.value, route.path) for route in ROUTES.values()}
