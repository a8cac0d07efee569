"""Marketing lists in the platform: their kind, their members, and the changes to make. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from unicodedata import normalize
from uuid import UUID
from zlib import crc32

from shared.domain.records.outcomes import Reason


class ListKind(StrEnum):
    """The kind of a marketing list in the platform (C-06)."""

    AUDIENCE = "audience"
    """Read-only there, and a source of dynamic lists, so that withdrawn permissions still count (P-09, P-15)."""
    TEMPORARY = "temporary"
    """For one mailing (SEL-01, P-14); needs no licence for audiences."""
    STATIC = "static"
    """Not offered by Spotler's API: static lists are imported there (SEL-04)."""


class LeftOut(StrEnum):
    """Why a member is not in the platform's list, in addition to the reasons of a record (`Reason`)."""

    NO_BULK = "do-not-bulk-email"
    UNKNOWN = "CONTACT_NOT_FOUND"
    LATE = "not-in-time"


@dataclass(frozen=True, slots=True)
class ListRules:
    """The two hidden fields of a marketing list; both are on by default (ML-32, ML-33, C-36)."""

    exclude_opted_out: bool = True
    ignore_inactive: bool = True


@dataclass(frozen=True, slots=True)
class ListIdentity:
    """The list in the platform by its external id. `other_name` is used if another list has its name."""

    id: str
    name: str
    other_name: str


def identity_of(identifier: UUID, name: str) -> ListIdentity:
    """Return the list of a marketing list in the platform: identified by the id, whatever its name (C-43)."""
    name = normalize("NFC", name.strip())[:LONGEST_NAME] or str(identifier)
    suffix = " (Dynamics)"
    return ListIdentity(f"list-{identifier}", name, name[: LONGEST_NAME - len(suffix)] + suffix)


LONGEST_NAME = 255

INACTIVE = frozenset({Reason.INACTIVE, Reason.LEAD_QUALIFIED, Reason.MERGED})
"""Reasons that the field Ignore Inactive List Members is about."""


def left_out_because(
    unmet: Iterable[Reason], rules: ListRules, *, refuses_bulk: bool, is_known: bool
) -> Reason | LeftOut | None:
    """Return why a member stays out of the list, None if it belongs in the list.

    `unmet` are the conditions of synchronisation that it does not meet (VAL-01..VAL-04). With Ignore Inactive List
    Members off, an inactive member with a contact stays in; one without a contact cannot get one.
    """
    kept = INACTIVE if is_known and not rules.ignore_inactive else frozenset[Reason]()
    for reason in unmet:
        if reason not in kept:
            return reason
    return LeftOut.NO_BULK if refuses_bulk and rules.exclude_opted_out else None


# ---------------------------------------------------------------------------------------------------------- difference


@dataclass(frozen=True, slots=True)
class Content:
    """The content of the list in the platform: `certain` contacts are in it, some of `possible` may not be."""

    certain: frozenset[str] = frozenset()
    possible: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ListDifference:
    """The changes that make the list equal to the snapshot."""

    add: tuple[str, ...]
    remove: tuple[str, ...]


def joined(contents: Collection[Content]) -> Content:
    """Combine the possible results of several unfinished synchronisations: certain is what all of them have."""
    if not contents:
        return Content()
    return Content(
        frozenset.intersection(*(one.certain for one in contents)),
        frozenset.union(*(one.possible for one in contents)),
    )


def difference(wanted: Collection[str], known: Content) -> ListDifference:
    """Compare: add contacts that are not certainly in the list, remove contacts that may be in it and should not."""
    target = frozenset(wanted)
    return ListDifference(tuple(sorted(target - known.certain)), tuple(sorted(known.possible - target)))


def bucket_of(contact: str, buckets: int) -> int:
    """Return in which of `buckets` parts of a list a contact is kept."""
    return crc32(contact.encode()) % buckets


def digest_of(members: Iterable[UUID], so_far: int = 0) -> int:
    """Add members to the digest of a list: equal for equal members in any order."""
    for member in members:
        so_far += int.from_bytes(sha256(member.bytes).digest()[:16])
    return so_far % (1 << 128)


# ------------------------------------------------------------------------------------------------------------- telling


@dataclass(frozen=True, slots=True)
class MemberCounts:
    """The number of members in the platform's list, and of members outside it, by reason."""

    sent: int = 0
    added: int = 0
    removed: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, int] = field(default_factory=dict)

    def told(self, name: str, as_of: str) -> str:
        """Return the text for the job and for the Spotler Info of the list."""
        text = f'{self.sent} {"person is" if self.sent == 1 else "people are"} in the list "{name}" in Spotler'
        text += f" ({self.added} added, {self.removed} removed), as it was at {as_of}."
        for what, reasons in (("skipped", self.skipped), ("failed", self.failed)):
            if reasons:
                counts = ", ".join(f"{reasons[reason]} {reason}" for reason in frequent_first(reasons))
                text += f" {sum(reasons.values())} {what}: {counts}."
        return text


def frequent_first(reasons: Mapping[str, int]) -> list[str]:
    """Return reasons by how often they occur, then by name."""
    return sorted(reasons, key=lambda reason: (-reasons[reason], reason))
