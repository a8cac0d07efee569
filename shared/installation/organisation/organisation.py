"""The organisation as it was read before the plan."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from shared.installation.desired.texts import Texts


@dataclass(frozen=True, slots=True)
class TableFound:
    """A table that exists; `managed` if a managed solution brought it."""

    name: str
    schema_name: str
    metadata_id: UUID
    entity_set: str
    object_type_code: int
    managed: bool


@dataclass(frozen=True, slots=True)
class Organisation:
    """The organisation that is installed into, and who installs."""

    id: UUID
    user_id: UUID
    blocks_customisation: bool
    """Whether the environment blocks unmanaged customisations."""
    managed_solution: bool
    """Whether the connector's own solution is installed as a managed one."""
    root_unit: UUID
    base_language: int
    languages: frozenset[int]
    has_endpoint: bool
    """Whether the connector's service endpoint is registered."""
    tables: Mapping[str, TableFound] = field(repr=False)
    """All tables, by logical name."""

    @property
    def sales(self) -> bool:
        """Whether Dynamics 365 Sales (or Marketing) has brought leads and marketing lists."""
        return self.has("lead", "list")

    def has(self, *tables: str) -> bool:
        """Return whether all these tables exist."""
        return all(table in self.tables for table in tables)

    def texts(self, texts: Texts) -> dict[int, str]:
        """Return a text by LCID, in the languages that this organisation takes."""
        return texts.in_languages(self.languages, self.base_language)
