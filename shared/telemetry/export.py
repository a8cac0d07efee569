"""Sends traces, metrics and logs to Application Insights. Only this module uses OpenTelemetry's SDK.

It is imported only if there is a connection string; without, the first call loads only the API.
"""

import logging
import os

from azure.monitor.opentelemetry import configure_azure_monitor
from opentelemetry.sdk.resources import SERVICE_NAME, Resource

from shared.errors import ConfigurationError
from shared.telemetry.signals import SCOPE

OURS = "shared"
"""The parent of all loggers of the connector."""

_AUTOMATIC = ("azure_sdk", "django", "fastapi", "flask", "httpx", "psycopg2", "requests", "urllib", "urllib3")
"""Instrumentations that would record whole URLs, with ids, filters and addresses of people."""

_started = False


def start(connection_string: str, *, sampling: float, environment: str) -> None:
    """Start sending; later calls have no effect. ConfigurationError for an invalid connection string."""
    global _started  # noqa: PLW0603  # OpenTelemetry's providers are one per process, too
    if _started:
        return
    os.environ.setdefault("APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL", "true")  # nothing but the owner's telemetry
    try:
        configure_azure_monitor(
            connection_string=connection_string,
            sampling_ratio=sampling,
            resource=Resource.create({SERVICE_NAME: SCOPE, "deployment.environment.name": environment}),
            logger_name=OURS,
            instrumentation_options={name: {"enabled": False} for name in _AUTOMATIC},
            enable_live_metrics=False,
            enable_performance_counters=False,
            disable_offline_storage=True,  # no telemetry at rest on an instance's disk
        )
    except ValueError:
        raise ConfigurationError("APPLICATIONINSIGHTS_CONNECTION_STRING is no connection string") from None
    _started = True
    logger = logging.getLogger(OURS)
    logger.setLevel(logging.INFO)
    # The Functions host also forwards records of the root logger to Application Insights: information would be billed
    # twice. Warnings go both ways, so that they are visible even if nothing can be sent.
    logger.addHandler(_Upwards(logging.WARNING))
    logger.propagate = False


class _Upwards(logging.Handler):
    """Passes records on to the root logger's handlers."""

    def emit(self, record: logging.LogRecord) -> None:
        logging.getLogger().handle(record)
