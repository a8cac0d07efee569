"""What the tests of conversions share: a column and a value of each kind, and a property of each type."""

from __future__ import annotations

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from shared.domain.mapping.conversions import (
    ColumnKind,
)
from shared.domain.records.marketing_contact import (
    PropertyDefinition,
    PropertyType,
    SetEntry,
)
from shared.domain.records.records import Choices, Lookup
from shared.domain.records.table_schema import ColumnDefinition, ColumnType, DateBehaviour, Option

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
OPTIONS = (Option(1, {1043: "Man"}, "Male"), Option(2, {1043: "Vrouw"}, "Female"))
COLUMNS = {
    ColumnKind.TEXT: ColumnDefinition("c", ColumnType.STRING, max_length=100),
    ColumnKind.MEMO: ColumnDefinition("c", ColumnType.MEMO, max_length=2000),
    ColumnKind.WHOLE: ColumnDefinition("c", ColumnType.INTEGER),
    ColumnKind.BIG: ColumnDefinition("c", ColumnType.BIG_INT),
    ColumnKind.DECIMAL: ColumnDefinition("c", ColumnType.DECIMAL),
    ColumnKind.FLOAT: ColumnDefinition("c", ColumnType.DOUBLE),
    ColumnKind.CURRENCY: ColumnDefinition("c", ColumnType.MONEY),
    ColumnKind.TWO_OPTIONS: ColumnDefinition(
        "c", ColumnType.BOOLEAN, options=(Option(0, label="Geen"), Option(1, label="Wel"))
    ),
    ColumnKind.CHOICE: ColumnDefinition("c", ColumnType.PICKLIST, options=OPTIONS),
    ColumnKind.CHOICES: ColumnDefinition("c", ColumnType.MULTI_SELECT, options=OPTIONS),
    ColumnKind.STATE: ColumnDefinition("c", ColumnType.STATE, options=OPTIONS),
    ColumnKind.STATUS: ColumnDefinition("c", ColumnType.STATUS, options=OPTIONS),
    ColumnKind.DATE: ColumnDefinition("c", ColumnType.DATE_TIME, behaviour=DateBehaviour.DATE_ONLY, shows_time=False),
    ColumnKind.LOCAL_DATE: ColumnDefinition(
        "c", ColumnType.DATE_TIME, behaviour=DateBehaviour.USER_LOCAL, shows_time=False
    ),
    ColumnKind.LOCAL_TIME: ColumnDefinition("c", ColumnType.DATE_TIME, behaviour=DateBehaviour.USER_LOCAL),
    ColumnKind.INDEPENDENT_TIME: ColumnDefinition(
        "c", ColumnType.DATE_TIME, behaviour=DateBehaviour.TIME_ZONE_INDEPENDENT
    ),
    ColumnKind.LOOKUP: ColumnDefinition("c", ColumnType.LOOKUP),
    ColumnKind.CUSTOMER: ColumnDefinition("c", ColumnType.CUSTOMER),
    ColumnKind.OWNER: ColumnDefinition("c", ColumnType.OWNER),
    ColumnKind.UNIQUE_ID: ColumnDefinition("c", ColumnType.UNIQUEIDENTIFIER),
    ColumnKind.OTHER: ColumnDefinition("c", ColumnType.UNKNOWN),
}
VALUES: dict[ColumnKind, tuple[Any, str | None]] = {
    ColumnKind.WHOLE: (12, None),
    ColumnKind.BIG: (2**53 + 1, None),
    ColumnKind.DECIMAL: (12.0, None),
    ColumnKind.FLOAT: (12.0, None),
    ColumnKind.CURRENCY: (12.0, None),
    ColumnKind.TWO_OPTIONS: (True, "Wel"),
    ColumnKind.CHOICE: (2, "Vrouw"),
    ColumnKind.CHOICES: (Choices((1, 2), ("Man", "Vrouw")), None),
    ColumnKind.STATE: (1, "Man"),
    ColumnKind.STATUS: (1, "Man"),
    ColumnKind.DATE: ("2024-03-31", None),
    ColumnKind.LOCAL_DATE: ("2024-03-31", None),
    ColumnKind.LOCAL_TIME: ("2024-03-31T12:00:00Z", None),
    ColumnKind.INDEPENDENT_TIME: ("2024-03-31T12:00:00", None),
    ColumnKind.LOOKUP: (Lookup("account", UUID(int=1)), "Contoso"),
    ColumnKind.CUSTOMER: (Lookup("account", UUID(int=1)), "Contoso"),
    ColumnKind.OWNER: (Lookup("systemuser", UUID(int=1)), "Jan"),
    ColumnKind.UNIQUE_ID: (str(UUID(int=1)), None),
}
"""A value of each kind; texts take what the property wants."""
TEXTS = {
    PropertyType.BIRTHDATE: "2024-03-31",
    PropertyType.DATE: "2024-03-31",
    PropertyType.DATE_TIME: "2024-03-31T12:00:00+02:00",
    PropertyType.EMAIL: "ann@example.com",
    PropertyType.GENDER: "F",
    PropertyType.INT: "1",
    PropertyType.MOBILE_NUMBER: "06-18596225",
    PropertyType.MONEY: "12.00",
    PropertyType.PHONE_NUMBER: "079-3632921",
    PropertyType.POSTCODE: "3511 AB",
    PropertyType.STRING: "anything",
    PropertyType.UNKNOWN: "anything",
}
ENTRIES = (SetEntry(4, "Man"), SetEntry(8, "Vrouw"))


def definition(property_type: PropertyType) -> PropertyDefinition:
    return PropertyDefinition("p", "P", property_type, ENTRIES if property_type is PropertyType.SET else ())
