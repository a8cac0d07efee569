"""The error answers of the Web API. Codes: Microsoft's "Web service error codes", messages as observed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol

from shared.local.dataverse_sandbox.metadata.standard_tables import STANDARD_TABLES

_BAD_REQUEST = 400

CUSTOM_NAME = re.compile(r"[a-z]{2,8}_")
"""Names with a publisher's prefix; `address1_line1` is none. Of such names the sandbox has all that exist."""


class Incomplete(Protocol):
    """A table as far as it is simulated."""

    @property
    def name(self) -> str:
        """Its logical name."""

    @property
    def columns(self) -> Mapping[str, Any]:
        """Its columns by logical name: lookups among them have all their relationships here."""

    @property
    def properties(self) -> Mapping[str, Any]:
        """Its columns by the name in the Web API."""

    @property
    def navigations(self) -> Mapping[str, Any]:
        """Its relationships by the name in the Web API."""

    def may_have(self, name: str) -> bool:
        """Whether the real table has, or may have, this column or relationship."""


class WebApiError(Exception):
    """A refusal with its HTTP status, Dataverse code and message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    @property
    def body(self) -> dict[str, Any]:
        """The JSON document of the answer."""
        return {"error": {"code": self.code, "message": self.message}}


def row_missing(table: str, identifier: str) -> WebApiError:
    """No row with this id."""
    return WebApiError(404, "0x80040217", f"{table} With Id = {identifier} Does Not Exist")


def key_missing(table: str) -> WebApiError:
    """No row with this alternate key."""
    return WebApiError(404, "0x80060891", f"A record with the specified key values does not exist in {table} entity")


def key_taken() -> WebApiError:
    """The caller asked for a new row, and there is one."""
    return WebApiError(412, "0x80040237", "A record with matching key values already exists.")


def duplicate_key(table: str, columns: tuple[str, ...]) -> WebApiError:
    """Another row has these alternate key values."""
    return WebApiError(
        412,
        "0x80060892",
        f"A record that has the attribute values {', '.join(columns)} already exists. "
        f"The entity key of {table} requires that this set of attributes contains unique values.",
    )


def version_mismatch() -> WebApiError:
    """If-Match names an older version."""
    return WebApiError(
        412, "0x80060882", "The version of the existing record doesn't match the RowVersion property provided."
    )


def unknown_caller() -> WebApiError:
    """The user to act for does not exist. Status and message are inferred."""
    return WebApiError(403, "0x80072560", "The user is not a member of the organization.")


def duplicate_detected() -> WebApiError:
    """A duplicate detection rule matches; reported only to callers that ask for detection."""
    text = "A record was not created or updated because a duplicate of the current record already exists."
    return WebApiError(412, "0x80040333", text)


def required_missing(table: str, column: str) -> WebApiError:
    """A required column is empty. Code and message are inferred."""
    return WebApiError(400, "0x80040203", f"Attribute '{column}' of the '{table}' entity cannot be NULL.")


def unknown_resource(name: str, *, is_absent: bool) -> WebApiError:
    """An unknown first segment: absent from this organisation, or not simulated."""
    if is_absent or CUSTOM_NAME.match(name):
        return WebApiError(404, "0x80060888", f"Resource not found for the segment '{name}'.")
    return not_implemented(f"The table, function or action '{name}'")


def unknown_segment(name: str, owner: str) -> WebApiError:
    """A part of the URL that is not simulated."""
    return not_implemented(f"The column, relationship, function or action '{name}' of '{owner}'")


def unknown_table(name: str, message: str, *, is_absent: bool, status: int = 400) -> WebApiError:
    """A logical name of a table that the organisation does not have, or that is not simulated."""
    if name in STANDARD_TABLES and not is_absent:
        return not_implemented(f"The table '{name}'")
    return WebApiError(status, "0x80041102" if status == _BAD_REQUEST else "0x80060888", message)


def unknown_property(name: str, table: Incomplete, *, code: str = "0x80060888", message: str = "") -> WebApiError:
    """A column or navigation property that the table does not have; 501 if only the simulated table lacks it."""
    if table.may_have(name):
        return not_implemented(f"The column or relationship '{name}' of the table '{table.name}'")
    text = message or f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{table.name}'."
    return WebApiError(400, code, text)


def unknown_navigation(name: str, table: Incomplete) -> WebApiError:
    """A relationship that the table does not have; only a few of those that standard tables have are simulated."""
    if name in table.properties:
        return unknown_property(name, table)
    return not_implemented(f"The relationship '{name}' of the table '{table.name}'")


def undeclared_property(name: str, table: Incomplete, *, is_relationship: bool = False) -> WebApiError:
    """An unknown relationship in a body; standard tables have more relationships than the simulated ones.

    A name in the wrong case is unknown, and not a relationship that only the simulated table lacks.
    """
    is_misspelled = name.lower() in {one.lower() for one in table.navigations}
    if (
        is_relationship
        and not is_misspelled
        and not CUSTOM_NAME.match(name)
        and name.partition("_")[0] not in table.columns
    ):
        return unknown_navigation(name, table)
    text = (
        f"Error identified in Payload provided by the user for Entity :'{table.name}', "
        f"InnerException : Microsoft.OData.ODataException: The property '{name}' does not exist on type "
        f"'Microsoft.Dynamics.CRM.{table.name}'. Make sure to only use property names that are defined by the type."
    )
    return (
        WebApiError(400, "0x80048d19", text)
        if is_misspelled
        else unknown_property(name, table, code="0x80048d19", message=text)
    )


def bad_request(message: str, code: str = "0x80060888") -> WebApiError:
    """A malformed request."""
    return WebApiError(400, code, message)


def method_not_allowed(method: str) -> WebApiError:
    """The resource has no such method."""
    return WebApiError(405, "0x80060888", f"The requested resource does not support http method '{method}'.")


def not_implemented(what: str) -> WebApiError:
    """A part that the real service has, or may have, and the sandbox does not simulate."""
    return WebApiError(501, "0x80060888", f"{what} is not part of this simulation.")
