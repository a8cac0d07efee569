"""The answers of the calls on mailings. Unknown keys are ignored, unknown words stay texts.

Both spellings of what two calls name differently are read: a contact is `externalContactId` in the feed and
`contactIdentifier` in the lists, a bounce is `HARD` there and `HARDBOUNCE` here.
"""

from collections.abc import Hashable
from datetime import datetime
from typing import Annotated

from pydantic import AliasChoices, BeforeValidator, Field

from shared.adapters.spotler.rest.models import Answer, Date, EncryptedId, Text
from shared.domain.engagement.events import APPROXIMATE, BounceType, Event, EventKind, event
from shared.domain.engagement.mailings import Link, Mailing, MailingContent, MailingKind, MailingOrigin
from shared.domain.engagement.statistics import MailingCounts
from shared.ports.mailings import Happening


def _items(raw: object) -> object:
    return [] if raw is None else raw


def _nothing(raw: object) -> object:
    return {} if raw is None else raw


class LinkAnswer(Answer):
    """A link of a mailing."""

    id: str
    name: Text = ""
    url: Text = ""
    code: Text = ""
    type: Text = ""

    def link(self) -> Link:
        """Convert to the domain."""
        return Link(self.id, self.name, self.url, self.type.lower(), self.code)


class MailingAnswer(Answer):
    """A mailing of `GET /mailing` or of a campaign."""

    encrypted_id: EncryptedId
    name: Text = ""
    type: Text = ""
    scheduled_start_date: Date = None
    archive_link: Text = ""
    sent_count: int | None = None

    def mailing(self, origin: MailingOrigin) -> Mailing | None:
        """Convert to the domain; None for a mailing without a readable handle."""
        if not self.encrypted_id:
            return None
        return Mailing(
            handle=self.encrypted_id,
            name=self.name,
            kind=MailingKind.SMS if self.type.upper() == MailingKind.SMS else MailingKind.EMAIL,
            origin=origin,
            begun=self.scheduled_start_date,
            online_version=self.archive_link,
            sent=self.sent_count,
        )


class MessageAnswer(Answer):
    """The content of a mailing."""

    subject: Text = ""
    from_name: Text = ""
    from_email: Text = ""


class DetailsAnswer(MailingAnswer):
    """A mailing of `GET /mailing/{id}` or `GET /campaign-mailing/{id}`."""

    message: Annotated[MessageAnswer, BeforeValidator(_nothing)] = MessageAnswer()
    links: Annotated[list[LinkAnswer], BeforeValidator(_items)] = Field(default=[])

    def content(self) -> MailingContent:
        """Convert to the domain."""
        message = self.message
        return MailingContent(
            message.subject, message.from_name, message.from_email, tuple(link.link() for link in self.links)
        )


class CountsAnswer(Answer):
    """`GET /mailing/{id}/statistics`: unique recipients as of now."""

    sent_count: int | None = None
    accepted_count: int | None = None
    open_count: int | None = None
    open_rendered_count: int | None = None
    click_count: int | None = None
    hardbounce_count: int | None = None
    softbounce_count: int | None = None
    not_retained_after_bounce_count: int | None = None
    conversion_click_count: int | None = None
    unsubscribe_count: int | None = None

    def counts(self) -> MailingCounts:
        """Convert to the domain."""
        return MailingCounts(
            sent=self.sent_count,
            accepted=self.accepted_count,
            opened=self.open_count,
            rendered=self.open_rendered_count,
            clicked=self.click_count,
            hard_bounces=self.hardbounce_count,
            soft_bounces=self.softbounce_count,
            not_retained=self.not_retained_after_bounce_count,
            conversions=self.conversion_click_count,
            unsubscribed=self.unsubscribe_count,
        )


class NotedAnswer(Answer):
    """An event of the account-wide feed `GET /mailing-interaction/…`."""

    id: str
    external_contact_id: Text = ""
    encrypted_mailing_id: EncryptedId = ""
    date: Date = None
    bounce_type: Text = ""
    name: Text = ""

    def identity(self) -> Hashable:
        """Return what identifies the event within its kind."""
        return self.id

    def happening(self, kind: EventKind) -> Happening | None:
        """Convert to the domain; None without a mailing or a time."""
        if not self.encrypted_mailing_id or self.date is None:
            return None
        detail = bounce_type(self.bounce_type) if kind is EventKind.BOUNCED else ""
        what = event(kind, self.date, detail)
        return Happening(self.encrypted_mailing_id, self.external_contact_id, what, name=self.name)


class ContactAnswer(Answer):
    """The reference to a contact in the lists; after an erasure it may have no id."""

    external_id: Text = ""
    encrypted_id: EncryptedId = ""


class ListedAnswer(Answer):
    """An event in a list of one mailing; its time has another name in every list."""

    contact_identifier: Annotated[ContactAnswer, BeforeValidator(_nothing)] = ContactAnswer()
    date: Date = Field(
        default=None,
        validation_alias=AliasChoices("openDate", "clickDate", "bounceDate", "sendDate", "date"),
    )
    link_id: Text = ""
    type: Text = ""

    def happening(
        self, mailing: str, kind: EventKind, *, external_id: str = "", begun: datetime | None = None
    ) -> Happening | None:
        """Convert to the domain; None without a time. A recipient without one gets `begun`, marked as approximate."""
        who, at = self.contact_identifier, self.date
        if at is None and kind is EventKind.SENT and begun is not None:
            found = event(kind, begun, APPROXIMATE)
        elif at is None:
            return None
        else:
            found = self._event(kind, at)
        return Happening(mailing, who.external_id or external_id, found, who.encrypted_id)

    def _event(self, kind: EventKind, at: datetime) -> Event:
        match kind:
            case EventKind.CLICKED:
                return event(kind, at, self.link_id)
            case EventKind.BOUNCED:
                return event(kind, at, bounce_type(self.type))
            case _:
                return event(kind, at)


def bounce_type(text: str) -> BounceType:
    """Read the kind of a bounce; an unknown one counts as soft, which ends nothing."""
    return BounceType.HARD if text.strip().upper().startswith("HARD") else BounceType.SOFT
