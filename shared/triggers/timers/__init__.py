"""The timer functions and their schedules."""
