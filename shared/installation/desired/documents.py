"""The files of `infra/dataverse/` as pydantic checks them. `reading.py` makes the desired state of them."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from shared.installation.desired.state import ColumnType, OnDelete
from shared.installation.desired.texts import TextsDocument

SchemaName = Annotated[str, Field(pattern=r"^[a-z]{2,8}_[A-Za-z0-9]{1,90}$")]
TableName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,90}$")]
Needs = Literal["sales"] | None


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class PublisherDocument(_Document):
    """`publisher` of solution.yaml."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]+$")]
    label: str
    description: str
    prefix: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{1,7}$")]
    option_prefix: Annotated[int, Field(ge=10_000, le=99_999)]


class SolutionDocument(_Document):
    """`solution` of solution.yaml."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]+$")]
    label: str
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+\.\d+$")]


class SolutionFile(_Document):
    """solution.yaml."""

    publisher: PublisherDocument
    solution: SolutionDocument


class NameDocument(_Document):
    """The primary name of an own table."""

    column: SchemaName
    length: Annotated[int, Field(ge=1, le=4_000)]
    label: TextsDocument


class ColumnDocument(_Document):
    """A column. Whole numbers and decimals begin at 0."""

    column: SchemaName
    type: ColumnType
    label: TextsDocument
    description: TextsDocument | None = None
    length: Annotated[int, Field(ge=1, le=1_048_576)] = 100
    minimum: int = 0
    maximum: int = 2_147_483_647
    precision: Annotated[int, Field(ge=0, le=10)] = 0
    options: dict[int, TextsDocument] = {}
    required: bool = False


class KeyDocument(_Document):
    """An alternate key of a table: rows that have values in all its columns differ in one of them."""

    key: SchemaName
    label: TextsDocument
    columns: Annotated[list[TableName], Field(min_length=1, max_length=16)]


class OwnTableFile(_Document):
    """A file of tables/. `active` and `inactive` are the status reasons of both states."""

    table: SchemaName
    label: TextsDocument
    plural: TextsDocument
    description: TextsDocument
    name: NameDocument
    columns: list[ColumnDocument]
    keys: list[KeyDocument] = []
    active: dict[int, TextsDocument]
    inactive: dict[int, TextsDocument]


class StandardTableDocument(_Document):
    """A table of standard-tables.yaml."""

    table: TableName
    needs: Needs = None
    columns: list[ColumnDocument]
    keys: list[KeyDocument] = []


class StandardTablesFile(_Document):
    """standard-tables.yaml."""

    tables: list[StandardTableDocument]


class LookupDocument(_Document):
    """A lookup of lookups.yaml; `to` is by table the name of the relationship."""

    table: TableName
    needs: Needs = None
    column: SchemaName
    label: TextsDocument
    description: TextsDocument | None = None
    on_delete: OnDelete = OnDelete.REMOVE_LINK
    to: Annotated[dict[TableName, str], Field(min_length=1)]


class LookupsFile(_Document):
    """lookups.yaml."""

    lookups: list[LookupDocument]


class VariableDocument(_Document):
    """A variable of variables.yaml."""

    name: Annotated[str, Field(pattern=r"^[a-z]{2,8}_[a-z]+$")]
    label: TextsDocument
    description: TextsDocument


class VariablesFile(_Document):
    """variables.yaml."""

    variables: list[VariableDocument]


class WebResourceDocument(_Document):
    """A web resource of webresources.yaml; `file` lies in webresources/."""

    name: Annotated[str, Field(pattern=r"^[a-z]{2,8}_[A-Za-z0-9_./-]+$")]
    label: TextsDocument
    file: str


class WebResourcesFile(_Document):
    """webresources.yaml."""

    resources: list[WebResourceDocument]


class EndpointDocument(_Document):
    """`endpoint` of events.yaml."""

    name: Annotated[str, Field(max_length=256)]
    queue: Annotated[str, Field(max_length=160)]


class StepsDocument(_Document):
    """Steps of one table with the same columns."""

    table: TableName
    messages: list[str]
    columns: list[str] | Literal["mapping"] = []
    image: list[str] = []


class EventsFile(_Document):
    """events.yaml."""

    endpoint: EndpointDocument
    steps: list[StepsDocument]


Depth = Literal["user", "businessUnit", "organization"]
Access = Literal["create", "read", "write", "delete", "append", "appendTo", "assign", "share"]


class RoleDocument(_Document):
    """A role of roles.yaml."""

    name: Annotated[str, Field(max_length=100)]
    meaning: str
    privileges: dict[TableName, dict[Depth, list[Access]]]


class RolesFile(_Document):
    """roles.yaml."""

    roles: list[RoleDocument]
