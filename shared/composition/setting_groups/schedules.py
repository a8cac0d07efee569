"""When the timers run by default. Functions are registered by these, before the other settings are read."""

from collections.abc import Mapping

SCHEDULES: Mapping[str, str] = {
    "engagement_schedule": "0 20 * * * *",
    "engagement_night_schedule": "0 25 4 * * *",
    "watch_schedule": "0 * * * * *",
    "round_trip_schedule": "0 5/15 * * * *",
    "poll_schedule": "0 */15 * * * *",
    "reconcile_schedule": "0 7 4 * * *",
    "automations_schedule": "0 0 6,18 * * *",
    "permissions_schedule": "0 30 5 * * *",
    "job_sweep_schedule": "0 */5 * * * *",
    "drift_schedule": "0 15 5 * * *",
    "stuck_jobs_schedule": "0 10 * * * *",
    "housekeeping_schedule": "0 37 4 * * *",
}
"""The schedule by its setting, as NCRONTAB."""
