"""The settings of host.json that this host reads; the rest of the file is for Azure.

Names and defaults: https://learn.microsoft.com/azure/azure-functions/functions-host-json
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from shared.local.functions_host.errors import HostError
from shared.local.functions_host.timing import parse_timespan

UNLIMITED = "-1"

TimeSpan = Annotated[
    timedelta, BeforeValidator(lambda value: parse_timespan(value) if isinstance(value, str) else value)
]


def _timeout(value: object) -> object:
    return None if value == UNLIMITED else value


class _Section(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class HttpSettings(_Section):
    """`extensions.http`."""

    route_prefix: str = "api"


class ServiceBusSettings(_Section):
    """`extensions.serviceBus`. Calls and lock renewal are for single messages only, as in Azure."""

    max_message_batch_size: int = Field(default=1000, ge=1)
    max_concurrent_calls: int = Field(default=16, ge=1)
    max_auto_lock_renewal_duration: TimeSpan = timedelta(minutes=5)


class Extensions(_Section):
    """`extensions`."""

    http: HttpSettings = HttpSettings()
    service_bus: ServiceBusSettings = ServiceBusSettings()


class HostJson(_Section):
    """host.json. `function_timeout` is None when the file says `-1`."""

    version: Literal["2.0"]
    function_timeout: Annotated[TimeSpan | None, BeforeValidator(_timeout)] = timedelta(minutes=30)
    extensions: Extensions = Extensions()

    @classmethod
    def read(cls, path: Path) -> HostJson:
        """Read the file at `path`; HostError if it is missing or wrong."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise HostError(f"host.json cannot be read: {error.strerror}") from error
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
            raise HostError(f"host.json is not valid: {wrong}") from error
