"""Traces, metrics and logs, by OpenTelemetry's API alone. Nothing personal gets in."""
