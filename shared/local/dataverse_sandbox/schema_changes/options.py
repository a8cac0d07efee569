"""Options of choices: read from bodies, and changed one by one by actions.

Source: Microsoft's pages "Create and update choices (option sets) using the Web API" and "InsertStatusValue".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from shared.local.dataverse_sandbox.administration import solutions
from shared.local.dataverse_sandbox.metadata.schema import Choice, Column, ColumnType, Table
from shared.local.dataverse_sandbox.organisation.errors import WebApiError, bad_request
from shared.local.dataverse_sandbox.organisation.organization import fixed_id
from shared.local.dataverse_sandbox.schema_changes.change import Body, Change, kind, refuse_others

_NOTES = ("Description", "Color", "ExternalValue")
_PARTS = frozenset({"Value", "Label", "State", "IsManaged", "MetadataId", "HasChanged", "ParentValues", *_NOTES})
_PARTS_OF_SET = frozenset(
    {"Options", "TrueOption", "FalseOption", "IsGlobal", "OptionSetType", "Name", "DisplayName", "Description"}
    | {"IsManaged", "IsCustomOptionSet", "MetadataId", "IsCustomizable", "HasChanged", "ParentOptionSetName"}
)


@dataclass(frozen=True, slots=True)
class Options:
    """Options by value: labels in the base language, labels by language, and further properties."""

    labels: dict[int, str] = field(default_factory=dict)
    translations: dict[int, dict[int, str]] = field(default_factory=dict)
    notes: dict[int, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, holder: Column | Choice) -> Options:
        """Copy the options of a column or a global choice."""
        return cls(
            dict(holder.options),
            {language: dict(texts) for language, texts in holder.translations.items()},
            {value: dict(notes) for value, notes in holder.option_notes.items()},
        )

    def put(self, change: Change, value: int, body: Body, *, keeps_labels: bool = True) -> None:
        """Set the label and the further properties of an option."""
        texts = change.texts(body, "Label", is_required=True)
        base = change.schema.language
        self.labels[value] = texts.pop(base)
        for language in self.translations.keys() - texts.keys():
            if not keeps_labels:
                self.translations[language].pop(value, None)
        for language, text in texts.items():
            self.translations.setdefault(language, {})[value] = text
        for name in _NOTES:
            if name in body and body[name] is not None:
                note = change.label(body, name) if name == "Description" else body[name]
                self.notes.setdefault(value, {})[name] = note

    def remove(self, value: int) -> None:
        """Remove an option."""
        del self.labels[value]
        self.notes.pop(value, None)
        for texts in self.translations.values():
            texts.pop(value, None)

    def on(self, holder: Column) -> Column:
        """Return a column with these options."""
        return replace(holder, options=self.labels, translations=self.translations, option_notes=self.notes)

    def as_choice(self, holder: Choice) -> Choice:
        """Return a global choice with these options."""
        return replace(holder, options=self.labels, translations=self.translations, option_notes=self.notes)


def read(change: Change, body: Any, name: str, column_type: ColumnType) -> Options:
    """Read the options of a body; options without a value are numbered from the publisher's value prefix on."""
    if not isinstance(body, Mapping):
        raise bad_request(f"The choice '{name}' needs its OptionSet.", "0x80040203")
    refuse_others(body, _PARTS_OF_SET, "an option set")
    options = Options()
    if column_type is ColumnType.BOOLEAN:
        for value, part in enumerate(("FalseOption", "TrueOption")):
            options.put(change, value, body.get(part) or {})
        return options
    for one in body.get("Options") or ():
        refuse_others(one, _PARTS, "an option")
        value = one.get("Value")
        number = _free(change, options.labels, name) if value is None else _number(value)
        if number in options.labels:
            raise bad_request(f"The option value {number} occurs twice in '{name}'.", "0x80048403")
        options.put(change, number, one)
    return options


def create_choice(change: Change, body: Body) -> Choice:
    """Create a global choice."""
    if kind(body) != "OptionSetMetadata":
        raise bad_request("A global choice must be of the type OptionSetMetadata.", "0x80040203")
    name = change.check_name(body, change.schema.choices)
    definition = {"DisplayName": change.label(body, "DisplayName"), "Description": change.label(body, "Description")}
    change.texts(body, "DisplayName", is_required=True)
    options = read(change, body, name, ColumnType.PICKLIST)
    choice = options.as_choice(Choice(name.lower(), {}, definition=definition | {"Name": name.lower()}))
    _put_choice(change, choice)
    solutions.keep(change.organization, solutions.CHOICE, fixed_id("choice", choice.name), change.solution)
    return choice


def update_choice(change: Change, choice: Choice, body: Body) -> None:
    """Change the labels of a global choice; its options change by actions only."""
    refuse_others(body, _PARTS_OF_SET, "a global choice")
    names = {name: change.label(body, name, choice.definition) for name in ("DisplayName", "Description")}
    _put_choice(change, replace(choice, definition={**choice.definition, **names}))


def delete_choice(change: Change, choice: Choice) -> None:
    """Delete a global choice; WebApiError if a column has it."""
    for table in change.schema.tables.values():
        if any(column.global_choice == choice.name for column in table.columns.values()):
            raise bad_request(
                f"The global choice '{choice.name}' cannot be deleted: a column of '{table.name}' has it.", "0x8004f01f"
            )
    rest = {name: one for name, one in change.schema.choices.items() if name != choice.name}
    change.organization.store.alter(change.schema.with_choices(rest))


# ---------------------------------------------------------------------- actions


def insert(change: Change, arguments: Body) -> dict[str, Any]:
    """InsertOptionValue: the value of the new option."""
    holder = _holder(change, arguments)
    options = Options.of(holder)
    value = arguments.get("Value")
    number = _free(change, options.labels, _name(holder)) if value is None else _number(value)
    if number in options.labels:
        raise bad_request(f"An option with the value {number} already exists.", "0x80048403")
    options.put(change, number, arguments)
    _store(change, arguments, holder, options)
    return {"NewOptionValue": number}


def insert_status(change: Change, arguments: Body) -> dict[str, Any]:
    """InsertStatusValue: the value of the new status reason, which belongs to a state."""
    table, column = _place(change, arguments)
    state = arguments.get("StateCode")
    if (
        not isinstance(state, int)
        or column.type is not ColumnType.STATUS
        or state not in table.columns["statecode"].options
    ):
        raise bad_request(f"'{state}' is not a state of '{table.name}', or the column is no status.", "0x80048408")
    answer = insert(change, arguments)
    table, column = _place(change, arguments)
    states = {**column.states, answer["NewOptionValue"]: state}
    change.alter(with_column(table, replace(column, states=states)))
    return answer


def update(change: Change, arguments: Body) -> None:
    """UpdateOptionValue, UpdateStateValue: a label."""
    holder = _holder(change, arguments)
    options, value = Options.of(holder), _existing(arguments, holder)
    options.put(change, value, arguments, keeps_labels=bool(arguments.get("MergeLabels")))
    _store(change, arguments, holder, options)


def update_state(change: Change, arguments: Body) -> None:
    """UpdateStateValue: the label of a state."""
    _, column = _place(change, arguments)
    if column.type is not ColumnType.STATE:
        raise bad_request(f"The column '{column.name}' is no state.", "0x80048408")
    arguments.get("DefaultStatusCode")
    update(change, arguments)


def order(change: Change, arguments: Body) -> None:
    """OrderOption: all values in their new order."""
    holder = _holder(change, arguments)
    values = arguments.get("Values")
    if not isinstance(values, list) or sorted(values) != sorted(holder.options):
        raise bad_request("OrderOption needs every value of the choice once.", "0x80048403")
    options = Options.of(holder)
    ordered = {value: options.labels[value] for value in values}
    _store(change, arguments, holder, replace(options, labels=ordered))


def delete(change: Change, arguments: Body) -> None:
    """DeleteOptionValue."""
    holder = _holder(change, arguments)
    options = Options.of(holder)
    options.remove(_existing(arguments, holder))
    _store(change, arguments, holder, options)


# ---------------------------------------------------------------------- helpers


def with_column(table: Table, column: Column) -> Table:
    """Return a table with a column added, or put in the place of the one with its name."""
    return replace(table, columns={**table.columns, column.name: column})


def _place(change: Change, arguments: Body) -> tuple[Table, Column]:
    table = change.table(arguments.get("EntityLogicalName"))
    return table, change.column(table, arguments.get("AttributeLogicalName"))


def _holder(change: Change, arguments: Body) -> Column | Choice:
    name = arguments.get("OptionSetName")
    if name:
        return choice_named(change, str(name))
    _, column = _place(change, arguments)
    if column.global_choice:
        return choice_named(change, column.global_choice)
    if not column.options:
        raise bad_request(f"The column '{column.name}' has no options.", "0x80048403")
    return column


def choice_named(change: Change, name: str) -> Choice:
    """Return a global choice; WebApiError 404 without it."""
    choice = change.schema.choices.get(name.lower())
    if choice is None:
        raise WebApiError(404, "0x80060888", f"Could not find an option set with name {name}.")
    return choice


def _name(holder: Column | Choice) -> str:
    return holder.name


def _existing(arguments: Body, holder: Column | Choice) -> int:
    value = _number(arguments.get("Value"))
    if value not in holder.options:
        raise bad_request(f"The option {value} does not exist in '{holder.name}'.", "0x80048403")
    return value


def _store(change: Change, arguments: Body, holder: Column | Choice, options: Options) -> None:
    if isinstance(holder, Choice):
        _put_choice(change, options.as_choice(holder))
        return
    table = change.table(arguments.get("EntityLogicalName"))
    change.alter(with_column(table, options.on(holder)))


def _put_choice(change: Change, choice: Choice) -> None:
    """Store a global choice, and its options on every column that has it."""
    schema = change.schema.with_choices({**change.schema.choices, choice.name: choice})
    tables = []
    for table in schema.tables.values():
        having = [column for column in table.columns.values() if column.global_choice == choice.name]
        if having:
            changed = {column.name: Options.of(choice).on(column) for column in having}
            tables.append(replace(table, columns={**table.columns, **changed}))
    change.organization.store.alter(schema.with_tables(*tables))


def _free(change: Change, taken: Mapping[int, str], name: str) -> int:
    return max([change.first_option(name) - 1, *taken]) + 1


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise bad_request(f"'{value}' is no option value.", "0x80048d19")
    return value
