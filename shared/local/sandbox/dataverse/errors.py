"""The error answers of the Web API. Codes: Microsoft's "Web service error codes", messages as observed."""

from __future__ import annotations

from typing import Any


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


def duplicate_detected() -> WebApiError:
    """A duplicate detection rule objects; only callers who ask for it are told."""
    text = "A record was not created or updated because a duplicate of the current record already exists."
    return WebApiError(412, "0x80040333", text)


def required_missing(table: str, column: str) -> WebApiError:
    """A column without which Dataverse does not save. Code and message are inferred."""
    return WebApiError(400, "0x80040203", f"Attribute '{column}' of the '{table}' entity cannot be NULL.")


def unknown_segment(segment: str) -> WebApiError:
    """A part of the URL that names nothing."""
    return WebApiError(404, "0x80060888", f"Resource not found for the segment '{segment}'.")


def unknown_property(name: str, table: str) -> WebApiError:
    """A column or navigation property that the table does not have."""
    return WebApiError(
        400, "0x80060888", f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{table}'."
    )


def undeclared_property(name: str, table: str) -> WebApiError:
    """The same in a body."""
    return WebApiError(
        400,
        "0x80048d19",
        f"Error identified in Payload provided by the user for Entity :'{table}', "
        f"InnerException : Microsoft.OData.ODataException: The property '{name}' does not exist on type "
        f"'Microsoft.Dynamics.CRM.{table}'. Make sure to only use property names that are defined by the type.",
    )


def bad_request(message: str, code: str = "0x80060888") -> WebApiError:
    """Anything that cannot be understood."""
    return WebApiError(400, code, message)


def method_not_allowed(method: str) -> WebApiError:
    """The resource has no such method."""
    return WebApiError(405, "0x80060888", f"The requested resource does not support http method '{method}'.")


def not_implemented(what: str) -> WebApiError:
    """Something the real service has and this one has not."""
    return WebApiError(501, "0x80060888", f"{what} is not part of this simulation.")
