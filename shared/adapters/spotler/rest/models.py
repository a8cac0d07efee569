"""The answers of Mail+ at the border. Tolerant: unknown keys are ignored, unknown enum values stay strings.

Both shapes of a list are read: `{"paging": …, "contacts": […]}` (prefix `/integrationservice`) and the bare array of
`/integrationservice-1.1.0`.
"""

from __future__ import annotations

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
"""Where times without an offset are meant, according to the vendor's own module."""

SMALLEST_MILLISECONDS = 10**11
"""Native dates are seconds in one source and milliseconds in another: as seconds this would be the year 5138."""


def read_date(raw: object) -> datetime | None:
    """Read a native date (a number since the epoch) or an ISO 8601 text, in UTC; None if it is neither.

    A date that cannot be read must not cost the contact that it belongs to.
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
"""Absent, null and empty are one."""

_ID = re.compile(r"[A-Za-z0-9_.~+/=-]{1,100}")


def _id(text: str) -> str:
    return text if _ID.fullmatch(text) else ""


EncryptedId = Annotated[Text, AfterValidator(_id)]
"""Spotler's own id of something, which goes into logs and state. A text that cannot be one counts as absent."""


class Answer(BaseModel):
    """Base of all models: keys in camel case, ids also as numbers."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, coerce_numbers_to_str=True)


class OptionAnswer(Answer):
    """The state of one option in a set property of a contact."""

    bit: int
    enabled: bool


PropertyAnswerValue = Annotated[list[OptionAnswer] | Any, Field(union_mode="left_to_right")]
"""Options if it looks like options, else whatever it is: one odd property must not cost the contact."""


class ChannelAnswer(Answer):
    """Whether a channel may be used."""

    name: str
    value: bool


class ContactAnswer(Answer):
    """A contact as `GET /contact/{externalId}` and the feeds give it."""

    external_id: Text = ""
    encrypted_id: EncryptedId = ""
    created: Date = None
    last_changed: Date = None
    properties: Annotated[dict[str, PropertyAnswerValue], BeforeValidator(_keys)] = {}
    channels: Annotated[list[ChannelAnswer], BeforeValidator(_items)] = []
    _is_readable: bool = PrivateAttr(default=True)

    def identity(self) -> Hashable:
        """Tell one state of one contact from all others."""
        return self.encrypted_id, self.external_id, self.last_changed

    def contact(self) -> MarketingContact:
        """Return the value that the engine knows."""
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
    """A contact in a list. One that cannot be read keeps its ids, so that it does not cost its neighbours."""

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
    """A bounce as `GET /contact/bounces/list` gives it."""

    type: Text = ""
    date: Date = None
    encrypted_act_id: EncryptedId = ""
    contact: ListedContact

    def identity(self) -> Hashable:
        """Tell one bounce from all others."""
        return self.contact.encrypted_id, self.contact.external_id, self.encrypted_act_id, self.date, self.type

    def bounce(self) -> Bounce:
        """Return the value that the engine knows."""
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
        """Return the value that the engine knows."""
        return PropertyDefinition(
            name=self.name,
            label=self.description,
            type=property_type(self.name, self.type),
            entries=tuple(SetEntry(entry.bit, entry.description, entry.rank) for entry in self.entries),
            type_name=self.type,
        )


class BulkResult(Answer):
    """What `POST /contact/list` says about one contact."""

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
    """An automation as `GET /automation/list` is assumed to give it."""

    id: str
    name: Text = ""
    active: bool = True
    triggers: Annotated[list[AutomationTriggerAnswer], BeforeValidator(_items)] = []


class CampaignTriggerAnswer(Answer):
    """An external trigger of a campaign."""

    encrypted_id: str
    name: Text = ""


class CampaignAnswer(Answer):
    """A campaign as `GET /campaign/list` gives it; one without an external trigger may lack the key."""

    encrypted_id: str
    name: Text = ""
    active: bool = True
    triggers: Annotated[list[CampaignTriggerAnswer], BeforeValidator(_items)] = []


class AutomationStartAnswer(Answer):
    """What one automation did with a trigger; `automation_contact_id` is not published."""

    automation_id: Text = ""
    result: Text = ""
    automation_contact_id: Text = ""


class TriggerAnswer(Answer):
    """`ExternalTriggerValidationResult`: what a trigger came to, also with HTTP 404 and 417."""

    result: str
    automation_results: Annotated[list[AutomationStartAnswer], BeforeValidator(_items)] = []


class AudienceAnswer(Answer):
    """An audience, without its members: no call tells those."""

    external_id: str
    name: Text = ""


class TemporaryListAnswer(Answer):
    """A temporary list, without its members; those made in Spotler itself have no external id."""

    external_temporary_list_id: str | None = None
    name: Text = ""


class UnknownContactsAnswer(Answer):
    """`AudienceContactErrorResponse`: who of the contacts to add is unknown, with HTTP 404."""

    external_contact_ids: list[str] = Field(min_length=1)


class Paging(Answer):
    """Where a list goes on. `next` is a link and only looked at, never followed: `after` says it all."""

    next: str | None = None
    after: int | str | None = None


class ListAnswer(Answer, Generic[Item]):
    """One page of a list, in either shape; `bare` tells which."""

    bare: bool = False
    paging: Paging | None = None
    items: Annotated[list[Item], BeforeValidator(_items)] = Field(
        default=[], validation_alias=AliasChoices("contacts", "bounces", "items")
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
        case _:  # a shape that no known property type has: nothing can be mapped from it
            return None
