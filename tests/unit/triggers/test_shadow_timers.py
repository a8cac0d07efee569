"""In shadow mode the timers that write rest; for every timer it is decided whether it writes."""

from __future__ import annotations

from pathlib import Path

from shared.local.functions_host.index import TimerTrigger, index_functions, load_app
from shared.triggers.http.access import NOT_IN_SHADOW, ROUTES
from shared.triggers.timers.timer_run import WRITERS

ROOT = Path(__file__).resolve().parents[3]

READERS = {
    *("watch", "look_for_drift", "warn_of_stuck_jobs", "look_at_permission_names"),
    *("forget_old_consent", "tidy_state", "tend_erased_consent"),  # the connector's own state alone
}


def test_every_timer_writes_or_does_not() -> None:
    timers = {one.name for one in index_functions(load_app(ROOT)) if isinstance(one.trigger, TimerTrigger)}

    assert timers == WRITERS | READERS
    assert not WRITERS & READERS


def test_every_function_that_is_refused_in_shadow_mode_exists() -> None:
    assert ROUTES.keys() >= NOT_IN_SHADOW
