"""The timer functions; their schedules, converted from SCHEDULE_TIME_ZONE to the UTC of the host."""
