"""Which settings and defaults a bundle carries: what the connector does, not where it is and with which secrets."""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from shared.composition.setting_groups.connection_settings import LocalSettings, StorageSettings
from shared.composition.settings import Settings
from shared.consent.permission_defaults import ENABLED_NAME
from shared.errors import ConfigurationError

ONE_PLACE: Final = frozenset(
    {
        *StorageSettings.model_fields,
        *LocalSettings.model_fields,
        "environment",
        "mapping_file",
        "dataverse_url",
        "dataverse_organisation_ids",
        "dataverse_tenant_id",
        "dataverse_client_id",
        "dataverse_authority",
        "spotler_url",
        "spotler_key",
    }
)
"""Settings that belong to one environment: addresses, identities, queues and state."""

CARRIED: Final = tuple(
    name
    for name, field in Settings.model_fields.items()
    if name not in ONE_PLACE and not isinstance(field.default, SecretStr)
)
"""The settings that a bundle carries; none of them is a secret."""

DEFAULTS: Final = (ENABLED_NAME,)
"""The environment variables of Dataverse that a bundle carries, without the publisher's prefix (ENV-07).

The other one holds the permissions of the Spotler account; the connector itself keeps it.
"""


class _Given(Settings):
    """Settings of the arguments alone: the environment of this process is another one."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """See pydantic-settings."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)


def carried(settings: Settings) -> dict[str, str]:
    """Return the carried settings that have another value than their default, as the environment spells them."""
    values = {name: _spelled(getattr(settings, name)) for name in CARRIED}
    return {
        _variable(name): value
        for name, value in values.items()
        if value is not None and value != _spelled(Settings.model_fields[name].default)
    }


def carried_of(values: Mapping[str, str]) -> dict[str, str]:
    """Return the same of settings by name in any case, such as those of a function app."""
    names = {_variable(name).casefold(): name for name in CARRIED}
    return carried(_parsed({names[key]: text for one, text in values.items() if (key := one.casefold()) in names}))


def check_settings(values: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of a file in their one spelling; ConfigurationError names those that cannot be carried."""
    known = {_variable(name) for name in CARRIED}
    if foreign := sorted(values.keys() - known):
        raise ConfigurationError(
            f"A bundle does not carry {', '.join(foreign)}: secrets and what belongs to one environment stay there"
        )
    return carried_of(values)


def check_defaults(values: Mapping[str, str]) -> dict[str, str]:
    """Return the defaults of a file; ConfigurationError names those that cannot be carried."""
    if foreign := sorted(values.keys() - set(DEFAULTS)):
        raise ConfigurationError(f"A bundle has no default {', '.join(foreign)}, only {', '.join(DEFAULTS)}")
    return dict(values)


def _parsed(values: Mapping[str, str]) -> Settings:
    try:
        return _Given.model_validate(dict(values))
    except ValidationError as problem:
        names = ", ".join(str(part).upper() for error in problem.errors() for part in error["loc"][:1])
        raise ConfigurationError(f"These settings are not valid: {names or problem.errors()[0]['msg']}") from None


def _variable(name: str) -> str:
    return Settings.model_fields[name].alias or name.upper()


def _spelled(value: object) -> str | None:
    match value:
        case None | "":
            return None
        case bool():
            return str(value).lower()
        case frozenset():
            return ",".join(sorted(str(_spelled(one)) for one in value))
        case tuple():
            return ",".join(str(one) for one in value)
        case Enum():
            return str(value.value)
        case _:
            return str(value)
