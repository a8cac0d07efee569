"""A defect in a function of a timer is logged by its place, and never by a text that may quote a person."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import function_app
from shared.composition import app
from shared.triggers.queues.consuming import DefectError

MARK = "Zaphodqx"
function_app.app.functions_bindings = None  # an app hands out its functions once, and another test may have asked
TIMERS = {
    function.get_function_name(): function.get_user_function()
    for function in function_app.app.get_functions()
    if function.get_trigger().type == "timerTrigger"
}


class _Broken(SimpleNamespace):
    def __getattr__(self, name: str) -> Any:
        raise ValueError(MARK)


@pytest.mark.parametrize("name", sorted(TIMERS))
async def test_every_timer_raises_only_the_type_of_a_defect(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken() -> Any:
        return _Broken()

    monkeypatch.setattr(app, "connector", broken)
    monkeypatch.setattr(app, "administration", broken)
    monkeypatch.setattr(app, "services", broken)
    monkeypatch.setattr("shared.telemetry.signals.is_exported", lambda: True)

    with pytest.raises(DefectError) as raised:
        await TIMERS[name](None)

    assert MARK not in str(raised.value)
