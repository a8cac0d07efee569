"""Reads `infra/dataverse/` into the desired state. Raises ConfigurationError with file and place of what is wrong."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from shared.errors import ConfigurationError
from shared.installation.desired.documents import (
    ColumnDocument,
    EventsFile,
    KeyDocument,
    LookupDocument,
    LookupsFile,
    OwnTableFile,
    RoleDocument,
    RolesFile,
    SolutionFile,
    StandardTablesFile,
    StepsDocument,
    VariablesFile,
    WebResourcesFile,
)
from shared.installation.desired.state import (
    AlternateKey,
    Column,
    ColumnType,
    DesiredState,
    EventStep,
    Lookup,
    Option,
    OwnTable,
    Publisher,
    RolePrivilege,
    SecurityRole,
    Solution,
    StandardTable,
    StatusReason,
    Target,
    Variable,
    WebResource,
    logical,
)
from shared.installation.desired.texts import Texts, TextsDocument
from shared.installation.yaml_files import read_yaml

FOLDER = Path(__file__).resolve().parents[3] / "infra" / "dataverse"

_ACTIVE, _INACTIVE = 0, 1
_DEPTHS = {"user": "Basic", "businessUnit": "Local", "organization": "Global"}
_WEB_RESOURCE_KINDS = {".html": 1, ".css": 2, ".js": 3, ".xml": 4, ".png": 5, ".svg": 11, ".resx": 12}
_NOTHING = Texts("", "")

D = TypeVar("D", bound=BaseModel)

MappedColumns = Mapping[str, frozenset[str]]
"""By table, the columns that the live mapping needs to hear of."""


def read_desired_state(mapped: MappedColumns, folder: Path = FOLDER) -> DesiredState:
    """Read all files. `mapped` fills `columns: mapping` of the steps."""
    solution = _read(folder / "solution.yaml", SolutionFile)
    events = _read(folder / "events.yaml", EventsFile)
    publisher = solution.publisher
    own = [_read(path, OwnTableFile) for path in sorted((folder / "tables").glob("*.yaml"))]
    standard = _read(folder / "standard-tables.yaml", StandardTablesFile).tables
    return DesiredState(
        publisher=Publisher(
            publisher.name, publisher.label, publisher.description, publisher.prefix, publisher.option_prefix
        ),
        solution=Solution(solution.solution.name, solution.solution.label, solution.solution.version, publisher.name),
        tables=tuple(_own_table(one) for one in own),
        standard_tables=tuple(
            StandardTable(one.table, _columns(one.table, one.columns), needs_sales=one.needs == "sales")
            for one in standard
        ),
        keys=(
            *(key for one in own for key in _keys(logical(one.table), one.keys, own=True)),
            *(key for one in standard for key in _keys(one.table, one.keys)),
        ),
        lookups=tuple(_lookup(one) for one in _read(folder / "lookups.yaml", LookupsFile).lookups),
        variables=tuple(
            Variable(one.name, one.label.texts(), one.description.texts())
            for one in _read(folder / "variables.yaml", VariablesFile).variables
        ),
        web_resources=tuple(_web_resources(folder)),
        roles=tuple(_role(one) for one in _read(folder / "roles.yaml", RolesFile).roles),
        endpoint_name=events.endpoint.name,
        queue=events.endpoint.queue,
        steps=tuple(step for one in events.steps for step in _steps(one, mapped)),
    )


def _read(path: Path, model: type[D]) -> D:
    try:
        return model.model_validate(read_yaml(path))
    except OSError as error:
        raise ConfigurationError(f"{path.name} cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path.name} is not YAML: {error}") from None
    except ValidationError as error:
        places = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise ConfigurationError(f"{path.name}: {places}") from None


def _texts(document: TextsDocument | None) -> Texts:
    return document.texts() if document is not None else _NOTHING


def _options(options: Mapping[int, TextsDocument]) -> tuple[Option, ...]:
    return tuple(Option(value, text.texts()) for value, text in options.items())


def _columns(table: str, documents: Sequence[ColumnDocument], *, own: bool = False) -> tuple[Column, ...]:
    return tuple(
        Column(
            table=table,
            schema_name=one.column,
            type=one.type,
            label=one.label.texts(),
            description=_texts(one.description),
            length=one.length,
            minimum=one.minimum,
            maximum=one.maximum,
            precision=one.precision,
            options=_options(one.options),
            required=one.required,
            of_own_table=own,
        )
        for one in documents
    )


def _own_table(one: OwnTableFile) -> OwnTable:
    table = logical(one.table)
    primary = Column(
        table=table,
        schema_name=one.name.column,
        type=ColumnType.TEXT,
        label=one.name.label.texts(),
        description=_NOTHING,
        length=one.name.length,
        primary=True,
        of_own_table=True,
    )
    reasons = [
        StatusReason(table, state, value, text.texts())
        for state, options in ((_ACTIVE, one.active), (_INACTIVE, one.inactive))
        for value, text in options.items()
    ]
    return OwnTable(
        schema_name=one.table,
        label=one.label.texts(),
        plural=one.plural.texts(),
        description=one.description.texts(),
        columns=(primary, *_columns(table, one.columns, own=True)),
        status_reasons=tuple(reasons),
    )


def _keys(table: str, documents: Sequence[KeyDocument], *, own: bool = False) -> Iterator[AlternateKey]:
    for one in documents:
        yield AlternateKey(table, one.key, one.label.texts(), tuple(one.columns), of_own_table=own)


def _lookup(one: LookupDocument) -> Lookup:
    return Lookup(
        table=one.table,
        schema_name=one.column,
        label=one.label.texts(),
        description=_texts(one.description),
        targets=tuple(Target(table, relationship, one.on_delete) for table, relationship in one.to.items()),
        needs_sales=one.needs == "sales",
    )


def _web_resources(folder: Path) -> Iterator[WebResource]:
    for one in _read(folder / "webresources.yaml", WebResourcesFile).resources:
        path = folder / "webresources" / one.file
        if path.suffix not in _WEB_RESOURCE_KINDS:
            raise ConfigurationError(f"webresources.yaml: {one.file} is no type of web resource")
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ConfigurationError(f"webresources.yaml: {one.file} cannot be read: {error.strerror}") from None
        yield WebResource(one.name, one.label.texts(), _WEB_RESOURCE_KINDS[path.suffix], content)


def _role(one: RoleDocument) -> SecurityRole:
    privileges = [
        RolePrivilege(access, table, _DEPTHS[depth])
        for table, depths in one.privileges.items()
        for depth, accesses in depths.items()
        for access in accesses
    ]
    return SecurityRole(one.name, one.meaning, tuple(privileges))


def _steps(one: StepsDocument, mapped: MappedColumns) -> Iterator[EventStep]:
    columns = mapped.get(one.table, frozenset()) if one.columns == "mapping" else frozenset(one.columns)
    for message in one.messages:
        yield EventStep(one.table, message, columns, tuple(one.image))
