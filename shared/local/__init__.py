"""Runs the app on one machine without Azure: functions host, simulators, commands."""
