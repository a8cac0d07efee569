"""Customisations of an organisation and an account, read from a file, so that a sandbox resembles a real one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.errors import ConfigurationError
from shared.local.dataverse_sandbox.organisation.privileges import Access, Privilege, privilege
from shared.local.dataverse_sandbox.rows.snapshot import read as read_snapshot
from shared.local.spotler_sandbox.account.catalogue import DEFAULT_CATALOGUE
from shared.local.spotler_sandbox.account.properties import Option, Property, PropertyType


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CustomProperty(_Shape):
    """A property that extends the default catalogue, or replaces one of its properties; `options` of a set, by bit."""

    type: PropertyType = PropertyType.STRING
    description: str = ""
    options: dict[int, str] = Field(default_factory=dict)

    def named(self, name: str) -> Property:
        """Return the property for the catalogue."""
        options = tuple(Option(bit, label) for bit, label in self.options.items())
        return Property(name, self.description or name, self.type, options)


class Customisation(_Shape):
    """The file.

    `columns` (named like `contact.new_shoesize`) and `tables` have the form of `schema.json` of the sandbox.

    Null removes a column or table: without Dynamics 365 Sales there is no `lead`, no `list`. `duplicate_rules` are
    lists of columns by table, as in Dataverse's duplicate detection.
    """

    columns: dict[str, dict[str, Any] | None] = Field(default_factory=dict)
    tables: dict[str, dict[str, Any] | None] = Field(default_factory=dict)
    duplicate_rules: dict[str, list[list[str]]] = Field(default_factory=dict)
    properties: dict[str, CustomProperty] = Field(default_factory=dict)

    @property
    def privileges(self) -> frozenset[Privilege]:
        """The privileges of the connector on the added tables: all but deleting and sharing."""
        own = (name for name, description in self.tables.items() if description is not None)
        return frozenset(
            privilege(access, table)
            for table in own
            for access in Access
            if access not in {Access.DELETE, Access.SHARE}
        )

    @property
    def catalogue(self) -> tuple[Property, ...]:
        """Return the account's properties, the default ones included."""
        own = {name: one.named(name) for name, one in self.properties.items()}
        return tuple(({one.name: one for one in DEFAULT_CATALOGUE} | own).values())


def read_customisation(path: Path | None) -> Customisation:
    """Read the file; without one, nothing is customised. ConfigurationError for an invalid file."""
    if path is None:
        return Customisation()
    try:
        return Customisation.model_validate_json(path.read_bytes())
    except OSError as problem:
        raise ConfigurationError(f"{path} cannot be read: {problem.strerror}") from None
    except ValidationError as problem:
        wrong = "; ".join(
            f"{'.'.join(map(str, error['loc'])) or 'file'}: {error['msg']}"
            for error in problem.errors(include_input=False, include_url=False)
        )
        raise ConfigurationError(f"{path} describes no customisation. {wrong}") from None


def check_snapshot(path: Path | None) -> None:
    """Raise ConfigurationError for a file that is no snapshot of an organisation."""
    if path is None:
        return
    try:
        read_snapshot(path)
    except OSError as problem:
        raise ConfigurationError(f"{path} cannot be read: {problem.strerror}") from None
    except (ValueError, LookupError):
        raise ConfigurationError(
            f"{path} is no snapshot of an organisation: save the answer of GET /sandbox/snapshot there"
        ) from None
