"""The columns of a job, typed. The error of every broken rule names what the job's author must change.

A message continues the sentence that begins with the operation's name: "Add Tag needs …". `docs/operations.md` shows
the descriptions.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from shared.domain.records.records import RecordKey

_LONGEST_AUDIENCE_NAME = 255
_TAG_SEPARATORS = re.compile(r"[,;]")
_NUMBER = re.compile(r"[+-]?[0-9]{1,9}")


TITLES: Mapping[str, str] = {
    "automation": "Automation",
    "automation_fields": "Automation Fields",
    "automation_contact_id": "AutomationContactId",
    "marketing_list": "Marketing List",
    "parameter_name": "Parameter Name",
    "parameter_value": "Parameter Value",
}
"""The labels of the columns of parameters on the form, by their names in `JobRow`."""


class Parameters(BaseModel):
    """Reads the columns of an operation, by their names in `JobRow`; other columns do not matter."""

    model_config = ConfigDict(from_attributes=True, frozen=True, extra="ignore")


class NoParameters(Parameters):
    """No parameters."""


def broken(text: str) -> PydanticCustomError:
    """Make the error of a broken rule. The text is a value of the error: a name in it may have braces."""
    return PydanticCustomError("parameter", "{text}", {"text": text})


def broken_rules(problem: ValidationError) -> str:
    """Join the messages of all broken rules."""
    errors = problem.errors(include_url=False, include_input=False)
    return "; it ".join(dict.fromkeys(error["msg"] for error in errors))


def _someone(value: Any) -> Any:
    if value is None:
        raise broken("needs a Customer (account or contact) or a Lead: fill one in")
    return value


def _single_tag(text: str) -> str:
    name = text.strip()
    if not name or _TAG_SEPARATORS.search(name):
        raise broken("needs the name of one score in Parameter Name, without comma or semicolon")
    return name


def _tags(text: str) -> tuple[str, ...]:
    names = (name.strip() for name in _TAG_SEPARATORS.split(text))
    tags = tuple({name.casefold(): name for name in names if name}.values())
    if not tags:
        raise broken("needs a tag in Parameter Name, or several separated by comma or semicolon")
    return tags


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(digits := text.strip()):
        raise broken("needs a whole number of at most nine digits in Parameter Value, such as 10")
    return int(digits)


def _positive(number: int) -> int:
    if number <= 0:
        raise broken("needs a positive number in Parameter Value; to go the other way, choose the other operation")
    return number


def _field(text: str) -> str:
    if not (name := text.strip()):
        raise broken("needs the name of a Spotler field in Parameter Name")
    return name


def _audience_name(text: str) -> str:
    name = text.strip()
    if len(name) > _LONGEST_AUDIENCE_NAME:
        raise broken(f"takes a list name of at most {_LONGEST_AUDIENCE_NAME} characters in Parameter Name")
    return name


def _given_audience_name(name: str) -> str:
    if not name:
        raise broken("needs the exact name of a list in Parameter Name")
    return name


def _marketing_list(value: Any) -> Any:
    if value is None:
        raise broken("needs a Marketing List: fill one in")
    return value


def _run_ids(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for part in (part.strip() for part in text.split(",")) if part))


Someone = Annotated[RecordKey, BeforeValidator(_someone), Field(description="Customer or Lead")]
Anyone = Annotated[RecordKey | None, Field(description="Customer or Lead (may be empty)")]
ScoreName = Annotated[str, AfterValidator(_single_tag), Field(description="Parameter Name: the score's name")]
Tags = Annotated[
    tuple[str, ...],
    BeforeValidator(_tags),
    Field(description="Parameter Name: a tag, or several separated by comma or semicolon"),
]
Number = Annotated[
    int, BeforeValidator(_number), Field(description="Parameter Value: a whole number, which may be negative")
]
PositiveNumber = Annotated[
    int,
    BeforeValidator(_number),
    AfterValidator(_positive),
    Field(description="Parameter Value: a whole, positive number"),
]
FieldName = Annotated[
    str,
    AfterValidator(_field),
    Field(description="Parameter Name: a Spotler field, by its internal or its display name"),
]
AudienceName = Annotated[str, AfterValidator(_audience_name), Field(description="Parameter Name: the list's name")]
GivenAudienceName = Annotated[
    str,
    AfterValidator(_audience_name),
    AfterValidator(_given_audience_name),
    Field(description="Parameter Name: the list's exact name"),
]
MarketingListId = Annotated[UUID, BeforeValidator(_marketing_list), Field(description="Marketing List")]
RunIds = Annotated[
    tuple[str, ...],
    BeforeValidator(_run_ids),
    Field(description="AutomationContactId: one run, or several separated by comma"),
]
AutomationCode = Annotated[str, AfterValidator(str.strip), Field(description="or its trigger code in Parameter Name")]
AutomationId = Annotated[UUID | None, Field(description="Automation")]
