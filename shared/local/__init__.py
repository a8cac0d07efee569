"""Runs the app on one machine without Azure: functions host, sandbox Dataverse, sandbox Spotler."""
