"""Traces, metrics and logs, by OpenTelemetry's API alone: without an exporter (`export.py`) its calls do nothing.

Nothing personal gets in: names of spans and values of attributes are codes, names of tables and ids of rows.
"""
