"""The answers of Mail+. Unknown keys are ignored, unknown enum values stay strings.

Both shapes of a list are read: `{"paging": …, "contacts": […]}` (prefix `/integrationservice`) and the bare array of
`/integrationservice-1.1.0`.
"""

import re
from collections.abc import Hashable
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Self, TypeVar
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel

from shared.domain.records.marketing_contact import (
    Bounce,
    MarketingContact,
    PropertyDefinition,
    PropertyValue,
    SetEntry,
    SetOption,
    property_type,
)

Item = TypeVar("Item")

SERVER_ZONE = ZoneInfo("Europe/Amsterdam")
"""The time zone of times without an offset, according to the vendor's own module."""

SMALLEST_MILLISECONDS = 10**11
"""Native dates are seconds in one source and milliseconds in another: as seconds this would be the year 5138."""


def read_date(raw: object) -> datetime | None:
    """Read a native date (a number since the epoch) or an ISO 8601 text, in UTC; None if it is neither.

    A contact with an unreadable date can still be read.
    """
    try:
        match raw:
            case bool():
                return None
            case int() | float():
                seconds = raw / 1000 if abs(raw) >= SMALLEST_MILLISECONDS else raw
                return datetime.fromtimestamp(seconds, UTC)
            case str():
                moment = datetime.fromisoformat(raw)
                return (moment if moment.tzinfo else moment.replace(tzinfo=SERVER_ZONE)).astimezone(UTC)
            case _:
                return None
    except (ValueError, OverflowError, OSError):
        return None


def _text(raw: object) -> object:
    return "" if raw is None else raw


def _items(raw: object) -> object:
    return [] if raw is None else raw


def _keys(raw: object) -> object:
    return {} if raw is None else raw


Date = Annotated[datetime | None, BeforeValidator(read_date)]
Text = Annotated[str, BeforeValidator(_text)]
"""Absent, null and empty are the same."""

_ID = re.compile(r"[A-Za-z0-9_.~+/=-]{1,100}")


def _id(text: str) -> str:
    return text if _ID.fullmatch(text) else ""


EncryptedId = Annotated[Text, AfterValidator(_id)]
"""An id of Spotler, which is logged and stored. A text without the form of an id counts as absent."""


class Answer(BaseModel):
    """Base of all models: keys in camel case, ids also as numbers."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, coerce_numbers_to_str=True)


class OptionAnswer(Answer):
    """The state of one option in a set property of a contact."""

    bit: int
    enabled: bool


PropertyAnswerValue = Annotated[list[OptionAnswer] | Any, Field(union_mode="left_to_right")]
"""Options, or any other value: a contact with an unexpected property can still be read."""


class ChannelAnswer(Answer):
    """Whether a channel may be used."""

    name: str
    value: bool


class ContactAnswer(Answer):
    """A contact of `GET /contact/{externalId}` and of the feeds."""

    external_id: Text = ""
    encrypted_id: EncryptedId = ""
    created: Date = None
    last_changed: Date = None
    properties: Annotated[dict[str, PropertyAnswerValue], BeforeValidator(_keys)] = {}
    channels: Annotated[list[ChannelAnswer], BeforeValidator(_items)] = []
    _is_readable: bool = PrivateAttr(default=True)

    def identity(self) -> Hashable:
        """Return what identifies one state of one contact."""
        return self.encrypted_id, self.external_id, self.last_changed

    def contact(self) -> MarketingContact:
        """Convert to the domain."""
        return MarketingContact(
            external_id=self.external_id,
            encrypted_id=self.encrypted_id,
            properties={name: _value(raw) for name, raw in self.properties.items()},
            channels={channel.name: channel.value for channel in self.channels},
            last_changed=self.last_changed,
            created=self.created,
            is_readable=self._is_readable,
        )


class ListedContact(ContactAnswer):
    """A contact in a list. An unreadable contact keeps its ids, so that the other contacts can be read."""

    @model_validator(mode="wrap")
    @classmethod
    def _at_least_the_ids(cls, raw: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(raw)
        except ValidationError:
            if not isinstance(raw, dict):
                raise
            ids = {name: raw[name] for name in ("externalId", "encryptedId") if isinstance(raw.get(name), str | int)}
            if not ids:
                raise
            contact = handler(ids)
            contact._is_readable = False  # noqa: SLF001  # its own
            return contact


class BounceAnswer(Answer):
    """A bounce of `GET /contact/bounces/list`."""

    type: Text = ""
    date: Date = None
    encrypted_act_id: EncryptedId = ""
    contact: ListedContact

    def identity(self) -> Hashable:
        """Return what identifies one bounce."""
        return self.contact.encrypted_id, self.contact.external_id, self.encrypted_act_id, self.date, self.type

    def bounce(self) -> Bounce:
        """Convert to the domain."""
        return Bounce(kind=self.type, date=self.date, mailing=self.encrypted_act_id, contact=self.contact.contact())


class EntryAnswer(Answer):
    """An option in the definition of a set property."""

    bit: int
    description: Text = ""
    rank: int = 0


class PropertyAnswer(Answer):
    """A property definition."""

    name: str
    description: Text = ""
    type: str
    entries: Annotated[list[EntryAnswer], BeforeValidator(_items)] = []

    def definition(self) -> PropertyDefinition:
        """Convert to the domain."""
        return PropertyDefinition(
            name=self.name,
            label=self.description,
            type=property_type(self.name, self.type),
            entries=tuple(SetEntry(entry.bit, entry.description, entry.rank) for entry in self.entries),
            type_name=self.type,
        )


class BulkResult(Answer):
    """The result of `POST /contact/list` for one contact."""

    external_id: Text = ""
    code: str
    message: Text = ""


class TagAnswer(Answer):
    """A tag of the account (not published)."""

    name: str


class FieldAnswer(Answer):
    """A personalisation field of a trigger (not published)."""

    name: str
    type: Text = ""


class AutomationTriggerAnswer(Answer):
    """An external trigger of an automation (not published)."""

    trigger_code: str
    name: Text = ""
    fields: Annotated[list[FieldAnswer], BeforeValidator(_items)] = []


class AutomationAnswer(Answer):
    """An automation of `GET /automation/list`, in the assumed form."""

    id: str
    name: Text = ""
    active: bool = True
    triggers: Annotated[list[AutomationTriggerAnswer], BeforeValidator(_items)] = []


class CampaignTriggerAnswer(Answer):
    """An external trigger of a campaign."""

    encrypted_id: str
    name: Text = ""


class CampaignAnswer(Answer):
    """A campaign of `GET /campaign/list`; without an external trigger, the key may be missing."""

    encrypted_id: str
    name: Text = ""
    active: bool = True
    triggers: Annotated[list[CampaignTriggerAnswer], BeforeValidator(_items)] = []


class AutomationStartAnswer(Answer):
    """The result of one automation for a trigger; `automation_contact_id` is not published."""

    automation_id: Text = ""
    result: Text = ""
    automation_contact_id: Text = ""


class TriggerAnswer(Answer):
    """`ExternalTriggerValidationResult`: the result of a trigger, also with HTTP 404 and 417."""

    result: str
    automation_results: Annotated[list[AutomationStartAnswer], BeforeValidator(_items)] = []


class AudienceAnswer(Answer):
    """An audience, without its members: no call returns them."""

    external_id: str
    name: Text = ""


class TemporaryListAnswer(Answer):
    """A temporary list, without its members; those made in Spotler itself have no external id."""

    external_temporary_list_id: str | None = None
    name: Text = ""


class UnknownContactsAnswer(Answer):
    """`AudienceContactErrorResponse`: the unknown ones of the contacts to add, with HTTP 404."""

    external_contact_ids: list[str] = Field(min_length=1)


class Paging(Answer):
    """Where a list continues: at `after`. `next` is a link that is not followed; only its presence counts."""

    next: str | None = None
    after: int | str | None = None


class ListAnswer(Answer, Generic[Item]):
    """One page of a list, in either shape; `bare` is true for an array."""

    bare: bool = False
    paging: Paging | None = None
    items: Annotated[list[Item], BeforeValidator(_items)] = Field(
        default=[],
        validation_alias=AliasChoices(
            "contacts", "bounces", "interactions", "recipients", "opens", "clicks", "mailings", "campaigns", "items"
        ),
    )

    @model_validator(mode="before")
    @classmethod
    def _wrap_a_bare_array(cls, raw: object) -> object:
        return {"bare": True, "items": raw} if isinstance(raw, list) else raw


def _value(raw: object) -> PropertyValue:
    match raw:
        case None | str() | bool() | int() | float():
            return raw
        case list() if all(isinstance(item, OptionAnswer) for item in raw):
            return tuple(SetOption(option.bit, option.enabled) for option in raw)
        case _:  # no known property type has this shape, so nothing can be mapped from it
            return None
