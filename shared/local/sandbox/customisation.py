"""What an organisation and an account have made of the standard, read from a file: a sandbox like one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.errors import ConfigurationError
from shared.local.dataverse_sandbox.organisation.privileges import Access, Privilege, privilege
from shared.local.spotler_sandbox.account.catalogue import DEFAULT_CATALOGUE
from shared.local.spotler_sandbox.account.properties import Option, Property, PropertyType


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CustomProperty(_Shape):
    """A property that the account has beside the usual ones, or instead of one; `options` of a set, by bit."""

    type: PropertyType = PropertyType.STRING
    description: str = ""
    options: dict[int, str] = Field(default_factory=dict)

    def named(self, name: str) -> Property:
        """Return it for the catalogue."""
        options = tuple(Option(bit, label) for bit, label in self.options.items())
        return Property(name, self.description or name, self.type, options)


class Customisation(_Shape):
    """All of it. `columns` (as `contact.new_shoesize`) and `tables` are described as in `dataverse/schema.json`.

    Null means that the organisation has none of that name: without Dynamics 365 Sales there is no `lead`, no `list`.
    `duplicate_rules` are lists of columns by table, as of Dataverse's duplicate detection.
    """

    columns: dict[str, dict[str, Any] | None] = Field(default_factory=dict)
    tables: dict[str, dict[str, Any] | None] = Field(default_factory=dict)
    duplicate_rules: dict[str, list[list[str]]] = Field(default_factory=dict)
    properties: dict[str, CustomProperty] = Field(default_factory=dict)

    @property
    def privileges(self) -> frozenset[Privilege]:
        """What an administrator grants the connector beside its role: these tables, but for deleting rows."""
        own = (name for name, description in self.tables.items() if description is not None)
        return frozenset(
            privilege(access, table)
            for table in own
            for access in Access
            if access not in {Access.DELETE, Access.SHARE}
        )

    @property
    def catalogue(self) -> tuple[Property, ...]:
        """Return the account's properties, the usual ones included."""
        own = {name: one.named(name) for name, one in self.properties.items()}
        return tuple(({one.name: one for one in DEFAULT_CATALOGUE} | own).values())


def read_customisation(path: Path | None) -> Customisation:
    """Read the file; without one, everything is as usual. ConfigurationError says what is wrong with it."""
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
