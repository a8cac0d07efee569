"""Mailings of the platform, and the links in them (P-17)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class MailingKind(StrEnum):
    """The medium of a mailing."""

    EMAIL = "EMAIL"
    SMS = "SMS"


class MailingOrigin(StrEnum):
    """Where a mailing comes from: a bulk mailing has statistics and becomes a Campaign row, the others do not.

    The platform publishes no way to read the messages of automations. What its feeds tell of a mailing that is neither
    a bulk mailing nor a message of a campaign belongs to one of them (ACT-08).
    """

    BULK = "bulk"
    CAMPAIGN = "campaign"
    AUTOMATION = "automation"


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a mailing. `type` is the platform's word, "" for an ordinary link to a page."""

    id: str
    name: str = ""
    url: str = ""
    type: str = ""
    code: str = ""

    @property
    def is_conversion(self) -> bool:
        """Whether a click on it counts as a conversion (BULK-17)."""
        return self.type == "conversion"

    @property
    def is_unsubscribe(self) -> bool:
        """Whether a click on it asks for an end of mail."""
        return self.type == "unsubscribe"

    @property
    def is_honeypot(self) -> bool:
        """Whether no person sees it: a marketer adds such a link to find machines."""
        return "honeypot" in f"{self.name} {self.code}".casefold()

    @property
    def earns_points(self) -> bool:
        """Whether a click shows interest: links that serve the mail itself earn nothing."""
        return not self.is_honeypot and self.type not in _WITHOUT_POINTS


_WITHOUT_POINTS = frozenset({"unsubscribe", "editprofile", "openhtml", "opentext", "openpdf", "openpdftext"})


@dataclass(frozen=True, slots=True)
class Mailing:
    """A mailing in the platform's list. `handle` is its key (P-17); `begun` is when it was scheduled, in UTC.

    `sent` is the number of messages; None if the platform does not say.
    """

    handle: str
    name: str
    kind: MailingKind = MailingKind.EMAIL
    origin: MailingOrigin = MailingOrigin.BULK
    begun: datetime | None = None
    online_version: str = ""
    sent: int | None = None

    @property
    def title(self) -> str:
        """The name, or what stands for it: nobody tells the name of most messages of automations."""
        return self.name.strip() or ("automation" if self.origin is MailingOrigin.AUTOMATION else self.handle)

    def has_begun(self, now: datetime) -> bool:
        """Whether distribution has begun (BULK-03): its time has come, and messages went out if the platform counts."""
        return self.sent != 0 and (self.begun is None or self.begun <= now)


@dataclass(frozen=True, slots=True)
class MailingContent:
    """What one mailing says of itself; it never changes after sending."""

    subject: str = ""
    sender_name: str = ""
    sender_address: str = ""
    links: tuple[Link, ...] = ()
