"""Column values: from JSON with the checks that Dataverse makes, to JSON with formatted values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from shared.local.dataverse_sandbox.metadata.schema import Column, ColumnType
from shared.local.dataverse_sandbox.organisation.errors import WebApiError, bad_request
from shared.local.dataverse_sandbox.rows.store import RowRef

GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")

_INTEGER_LIMIT = 2**31
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Characters that Dataverse refuses in texts (half of a surrogate pair arrives in other ways, and is accepted)."""


def parse(column: Column, value: Any, table: str) -> Any:
    """Check a value from a body and return its stored form; WebApiError 400 if it does not fit the column."""
    return None if value is None else _PARSERS[column.type](column, value, table)


def guid(text: Any) -> str:
    """Return a row id in the spelling of the Web API; WebApiError 400 if it is none."""
    try:
        return str(UUID(text))
    except (ValueError, AttributeError, TypeError):
        raise bad_request(f"Unrecognized 'Edm.Guid' literal '{text}'.") from None


def instant(text: str) -> str:
    """Return an ISO date or time as UTC to the second, e.g. `2024-08-26T19:43:14Z`; ValueError if it is none."""
    moment = datetime.fromisoformat(text)
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return stamp(aware)


def stamp(moment: datetime) -> str:
    """Return the stored form of an aware time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def to_json(value: Any) -> Any:
    """Return a stored value as the Web API shows it."""
    return value.id if type(value) is RowRef else value


def formatted(column: Column, value: Any) -> str | None:  # noqa: PLR0911  # one return per case
    """Return the label of a value in English (United States), None where Dataverse gives none.

    The label of a lookup is the name of the other row; `reading.lookup_name` reads it from the store.
    """
    match column.type:
        case ColumnType.PICKLIST | ColumnType.STATE | ColumnType.STATUS | ColumnType.BOOLEAN:
            return column.options.get(int(value))
        case ColumnType.MULTI_SELECT:
            return "; ".join(column.options[int(one)] for one in value.split(","))
        case ColumnType.DATE_TIME:
            return _formatted_moment(column, value)
        case ColumnType.INTEGER | ColumnType.BIG_INT:
            return f"{value:,}"
        case ColumnType.DECIMAL | ColumnType.DOUBLE:
            return f"{value:,.2f}"
        case ColumnType.MONEY:
            return f"€{value:,.2f}"
        case _:
            return None


def _formatted_moment(column: Column, value: str) -> str:
    if column.is_day:
        day = date.fromisoformat(value)
        return f"{day.month}/{day.day}/{day.year}"
    moment = datetime.fromisoformat(value)
    return f"{moment.month}/{moment.day}/{moment.year} {moment:%I:%M %p}".replace(" 0", " ")


def _text(column: Column, value: Any, table: str) -> str | None:
    if not isinstance(value, str):
        raise _wrong_type(column, value, "Edm.String")
    if found := _NOT_IN_XML.search(value):
        raise WebApiError(
            400,
            "0x80040278",
            f"Invalid character in field '{column.name}': hexadecimal value 0x{ord(found[0]):02X}, is an invalid "
            "character.",
        )
    if column.max_length is not None and len(value) > column.max_length:
        raise WebApiError(
            400,
            "0x80044331",
            f"A validation error occurred.  The length of the '{column.name}' attribute of the '{table}' entity "
            f"exceeded the maximum allowed length of '{column.max_length}'.",
        )
    return value or None  # Dataverse stores an empty text as null


def _integer(column: Column, value: Any, table: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong_type(column, value, "Edm.Int32")
    if column.type is not ColumnType.BIG_INT and not -_INTEGER_LIMIT <= value < _INTEGER_LIMIT:
        raise _wrong_type(column, value, "Edm.Int32")
    _check_range(column, value, table)
    return value


def _option(column: Column, value: Any, table: str) -> int:
    number = _integer(column, value, table)
    if column.options and number not in column.options:
        raise WebApiError(
            400,
            "0x8004431A",
            f"A validation error occurred. The value {number} of '{column.name}' on record of type '{table}' is "
            f"outside the valid range. Accepted Values: {','.join(map(str, column.options))}",
        )
    return number


def _options(column: Column, value: Any, table: str) -> str | None:
    """Check several options, which travel as `1,2`."""
    if not isinstance(value, str):
        raise _wrong_type(column, value, "Edm.String")
    try:
        numbers = sorted({int(one) for one in value.split(",") if one.strip()})
    except ValueError:
        raise _wrong_type(column, value, "Edm.String") from None
    return ",".join(str(_option(column, number, table)) for number in numbers) or None


def _boolean(column: Column, value: Any, _table: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong_type(column, value, "Edm.Boolean")
    return value


def _decimal(column: Column, value: Any, table: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong_type(column, value, "Edm.Decimal")
    _check_range(column, value, table)
    return value


def _check_range(column: Column, value: float, table: str) -> None:
    """Check a number against the limits of its definition; packaged columns have none."""
    least, most = column.definition.get("MinValue", value), column.definition.get("MaxValue", value)
    if not least <= value <= most:
        raise WebApiError(
            400,
            "0x80044330",
            f"A validation error occurred. The value of '{column.name}' on record of type '{table}' is outside the "
            f"valid range: {least} to {most}.",
        )


def _moment(column: Column, value: Any, _table: str) -> str:
    expected = "Edm.Date" if column.is_day else "Edm.DateTimeOffset"
    if not isinstance(value, str):
        raise _wrong_type(column, value, expected)
    try:
        return date.fromisoformat(value).isoformat() if column.is_day else instant(value)
    except ValueError:
        raise _wrong_type(column, value, expected) from None


def _identifier(_column: Column, value: Any, _table: str) -> str:
    return guid(value)


def _navigation_only(_column: Column, _value: Any, _table: str) -> None:
    raise bad_request(
        "CRM do not support direct update of Entity Reference properties, Use Navigation properties instead."
    )


_PARSERS: Mapping[ColumnType, Callable[[Column, Any, str], Any]] = {
    ColumnType.STRING: _text,
    ColumnType.MEMO: _text,
    ColumnType.ENTITY_NAME: _text,
    ColumnType.INTEGER: _integer,
    ColumnType.BIG_INT: _integer,
    ColumnType.PICKLIST: _option,
    ColumnType.MULTI_SELECT: _options,
    ColumnType.STATE: _option,
    ColumnType.STATUS: _option,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.DECIMAL: _decimal,
    ColumnType.DOUBLE: _decimal,
    ColumnType.MONEY: _decimal,
    ColumnType.DATE_TIME: _moment,
    ColumnType.UNIQUEIDENTIFIER: _identifier,
    ColumnType.LOOKUP: _navigation_only,
    ColumnType.PARTY_LIST: _navigation_only,
}


def _wrong_type(column: Column, value: Any, expected: str) -> WebApiError:
    return bad_request(
        f"Error identified in Payload provided by the user, InnerException : "
        f"Microsoft.OData.ODataException: Cannot convert the literal '{value}' to the expected type '{expected}' "
        f"of '{column.name}'.",
        "0x80048d19",
    )
