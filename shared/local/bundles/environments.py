"""The port to a running environment, and the environment of this process's settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from shared.administration.mapping_service import Applied, ChangeRefused, MappingChange
from shared.composition import app
from shared.composition.services import Services
from shared.consent.permission_defaults import ENABLED_DISPLAY_NAME, ENABLED_NAME
from shared.domain.mapping.formats.yaml_format import from_yaml
from shared.errors import ConfigurationError
from shared.local.bundles.bundle import Bundle, PastVersion
from shared.local.bundles.carried import carried
from shared.ports.dataverse import EnvironmentVariables


@dataclass(frozen=True, slots=True)
class MappingResult:
    """How a mapping was received: the number of the version that is live now, 0 if it was refused, and findings."""

    version: int
    lines: tuple[str, ...]


class RunningEnvironment(Protocol):
    """Where a bundle is taken from, or applied."""

    async def bundle(self) -> Bundle:
        """Return what is live."""
        ...

    async def apply_mapping(self, text: str, change: MappingChange) -> MappingResult:
        """Make a mapping live as `mapping apply` does: checked, tried on records, kept in the history."""
        ...

    async def apply_settings(self, wanted: Mapping[str, str], removed: frozenset[str]) -> str:
        """Set and remove settings; return what was done, or what is to be done."""
        ...

    async def apply_defaults(self, wanted: Mapping[str, str]) -> str:
        """Write defaults of Dataverse; return what was done."""
        ...


class ConfiguredEnvironment:
    """The environment that the settings of this process name."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def bundle(self) -> Bundle:
        """See RunningEnvironment."""
        service, settings = self._services.mapping_service, self._services.settings
        live = await service.live()
        history = tuple(
            PastVersion(one.number, one.at.isoformat(timespec="seconds"), one.by, str(one.comment), one.text)
            for one in await service.history()
        )
        defaults = await defaults_of(self._services.variables, settings.variable_prefix)
        return Bundle(live.text, carried(settings), defaults, history)

    async def apply_mapping(self, text: str, change: MappingChange) -> MappingResult:
        """See RunningEnvironment."""
        result = await self._services.mapping_service.apply(from_yaml(text), change, app.trial)
        findings = tuple(f"{one.severity} {one.code}: {one.text}" for one in result.findings)
        match result:
            case Applied(version):
                return MappingResult(version.number, findings)
            case ChangeRefused():
                advice = result.advice(lambda codes: " ".join(f"--accept {code}" for code in codes))
                return MappingResult(0, (*findings, advice))

    async def apply_settings(self, wanted: Mapping[str, str], removed: frozenset[str]) -> str:
        """Return what is to be done: a process cannot change where its environment comes from."""
        lines = [*(f"{name}={value}" for name, value in sorted(wanted.items())), *sorted(f"{one}=" for one in removed)]
        return "Set these where the connector gets its settings, and restart it: " + "; ".join(lines)

    async def apply_defaults(self, wanted: Mapping[str, str]) -> str:
        """See RunningEnvironment."""
        return await write_defaults(self._services.variables, self._services.settings.variable_prefix, wanted)


async def defaults_of(variables: EnvironmentVariables, prefix: str) -> dict[str, str]:
    """Return the values of the carried environment variables; none where an organisation has no such variable."""
    found = await variables.find_variable(f"{prefix}_{ENABLED_NAME}", ENABLED_DISPLAY_NAME)
    value = None if found is None else found.value or found.default
    return {ENABLED_NAME: value} if value else {}


async def write_defaults(variables: EnvironmentVariables, prefix: str, wanted: Mapping[str, str]) -> str:
    """Write them; ConfigurationError if the organisation has no such variable."""
    name = f"{prefix}_{ENABLED_NAME}"
    found = await variables.find_variable(name, ENABLED_DISPLAY_NAME)
    if found is None:
        raise ConfigurationError(f"Dataverse has no environment variable {name}: run python -m shared install")
    await variables.set_variable(found, wanted.get(ENABLED_NAME, ""))
    return f"The environment variable {name} is written"
