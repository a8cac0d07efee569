"""The desired state as frozen values. Names of tables and columns are schema names; `logical` is their lower case."""

from dataclasses import dataclass, field
from enum import StrEnum

from shared.installation.desired.texts import Names, Texts


def logical(schema_name: str) -> str:
    """Return the logical name that Dataverse makes of a schema name."""
    return schema_name.lower()


@dataclass(frozen=True, slots=True)
class Publisher:
    """The publisher; its prefix is permanent for everything that it makes."""

    name: str
    label: str
    description: str
    prefix: str
    option_prefix: int


@dataclass(frozen=True, slots=True)
class Solution:
    """The solution that holds all components."""

    name: str
    label: str
    version: str
    publisher: str


class ColumnType(StrEnum):
    """The types of columns that the connector uses."""

    TEXT = "text"
    MEMO = "memo"
    WHOLE = "whole"
    DECIMAL = "decimal"
    YES_NO = "yes-no"
    MOMENT = "moment"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a choice, of yes/no, or a status reason."""

    value: int
    label: Texts


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `length` is for text and memo; `minimum`, `maximum` for numbers; `precision` counts decimals."""

    table: str
    schema_name: str
    type: ColumnType
    label: Texts
    description: Texts
    length: int = 0
    minimum: int = 0
    maximum: int = 0
    precision: int = 0
    options: tuple[Option, ...] = ()
    required: bool = False
    primary: bool = False
    of_own_table: bool = False

    @property
    def logical(self) -> str:
        """The logical name."""
        return logical(self.schema_name)

    @property
    def name(self) -> str:
        """Table and column: `contact.dh_engagementscore`."""
        return f"{self.table}.{self.logical}"


@dataclass(frozen=True, slots=True)
class StatusReason:
    """A status reason of an own table. `value` 1 and 2 come with the table and are relabelled."""

    table: str
    state: int
    value: int
    label: Texts

    @property
    def name(self) -> str:
        """Table and value: `dh_spotlerjob.480000000`."""
        return f"{self.table}.{self.value}"


@dataclass(frozen=True, slots=True)
class OwnTable:
    """A table of the connector, with its columns; the first one is the primary name."""

    schema_name: str
    label: Texts
    plural: Texts
    description: Texts
    columns: tuple[Column, ...]
    status_reasons: tuple[StatusReason, ...] = ()

    @property
    def name(self) -> str:
        """The logical name."""
        return logical(self.schema_name)


@dataclass(frozen=True, slots=True)
class StandardTable:
    """A table of Dynamics that joins the solution, without its own components, and gets columns."""

    name: str
    columns: tuple[Column, ...]
    needs_sales: bool = False


@dataclass(frozen=True, slots=True)
class AlternateKey:
    """An alternate key of a table; `columns` are logical names, in the order of the index."""

    table: str
    schema_name: str
    label: Texts
    columns: tuple[str, ...]
    of_own_table: bool = False

    @property
    def logical(self) -> str:
        """The logical name."""
        return logical(self.schema_name)

    @property
    def name(self) -> str:
        """Table and key: `campaign.dh_mailingkey`."""
        return f"{self.table}.{self.logical}"


class OnDelete(StrEnum):
    """What deleting a row does to the rows that point to it."""

    REMOVE_LINK = "remove-link"
    CASCADE = "cascade"


@dataclass(frozen=True, slots=True)
class Target:
    """One table that a lookup points to, and the relationship to it."""

    table: str
    relationship: str
    on_delete: OnDelete


@dataclass(frozen=True, slots=True)
class Lookup:
    """A lookup with its relationships. Account and contact together make a customer column."""

    table: str
    schema_name: str
    label: Texts
    description: Texts
    targets: tuple[Target, ...]
    needs_sales: bool = False

    @property
    def logical(self) -> str:
        """The logical name of the column."""
        return logical(self.schema_name)

    @property
    def name(self) -> str:
        """Table and column."""
        return f"{self.table}.{self.logical}"

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables on both sides."""
        return (self.table, *(target.table for target in self.targets))


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable of type text; it has no default value, and the connector writes its value (ENV-05)."""

    name: str
    label: Texts
    description: Texts


@dataclass(frozen=True, slots=True)
class WebResource:
    """A file that Dynamics serves to browsers; `kind` is Microsoft's number of its type."""

    name: str
    label: Texts
    kind: int
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RolePrivilege:
    """A privilege: access (`read`, `appendTo`), table, and depth in words of the Web API."""

    access: str
    table: str
    depth: str


@dataclass(frozen=True, slots=True)
class SecurityRole:
    """A security role."""

    name: str
    description: str
    privileges: tuple[RolePrivilege, ...]


@dataclass(frozen=True, slots=True)
class EventStep:
    """A step: a message of a table that reaches the connector.

    `columns` are the filtering columns of Update; `image` the columns that its pre-image carries.
    """

    table: str
    message: str
    columns: frozenset[str] = frozenset()
    image: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name in Dataverse: `Spotler Connector: Update of contact`."""
        return f"Spotler Connector: {self.message} of {self.table}"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The queue that Dataverse sends its messages to. `key` is written only if it is given, and never read back."""

    name: str
    namespace: str
    queue: str
    key_name: str
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ApplicationUser:
    """The user of the connector: the client id of an app registration or managed identity, and its role."""

    client_id: str
    role: str

    @property
    def name(self) -> str:
        """The client id."""
        return self.client_id


@dataclass(frozen=True, slots=True)
class DesiredState:
    """All that the organisation should have. What depends on options is None or empty where they are not given."""

    publisher: Publisher
    solution: Solution
    tables: tuple[OwnTable, ...]
    standard_tables: tuple[StandardTable, ...]
    lookups: tuple[Lookup, ...]
    variables: tuple[Variable, ...]
    web_resources: tuple[WebResource, ...]
    roles: tuple[SecurityRole, ...]
    endpoint_name: str
    queue: str
    keys: tuple[AlternateKey, ...] = ()
    user: ApplicationUser | None = None
    endpoint: Endpoint | None = None
    steps: tuple[EventStep, ...] = ()
    """Registered only where there is an endpoint."""
    names: Names = Names.EVERY_LANGUAGE
