"""Plans the rows of one person in one mailing from what was known before and what is known now. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.domain.engagement.events import EventKind, of_kind
from shared.domain.engagement.interactions import (
    Interaction,
    InteractionKind,
    Reading,
    campaign_id,
    interaction_id,
)
from shared.domain.engagement.mailings import MailingOrigin
from shared.domain.engagement.people import PersonMemory
from shared.domain.records.records import RecordKey
from shared.engagement.mailings.known_mailings import KnownMailing
from shared.engagement.policy import RESPONSES, EngagementPolicy
from shared.ports.engagement import ActivityWrite, InteractionWrite, ResponseWrite

_SENT = frozenset({InteractionKind.SENT, InteractionKind.SMS_SENT, InteractionKind.AUTOMATION_MAIL})


@dataclass(frozen=True, slots=True)
class RowPlan:
    """The rows to write, and the ids of those that nothing speaks for any more.

    A click whose link becomes known is no click without a link any more; a click that turns out to be one of a machine
    is no response.
    """

    interactions: Sequence[InteractionWrite] = ()
    activities: Sequence[ActivityWrite] = ()
    responses: Sequence[ResponseWrite] = ()
    gone_interactions: Sequence[UUID] = ()
    gone_responses: Sequence[UUID] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """One person in one mailing: what is remembered, the record, and both readings of the events."""

    memory: PersonMemory
    mailing: KnownMailing
    record: RecordKey
    before: Reading
    after: Reading

    @property
    def changed(self) -> Sequence[Interaction]:
        """The rows that differ."""
        known = {row.part: row for row in self.before.rows}
        return [row for row in self.after.rows if known.get(row.part) != row]


def plan_rows(subject: Subject, policy: EngagementPolicy, *, has_campaigns: bool) -> RowPlan:
    """Return the rows that differ, whole: writing them again changes nothing.

    A campaign response and an activity have rows of their own only where the settings ask for them (BULK-05..07).
    """
    mailing, record, changed = subject.mailing, subject.record, subject.changed
    is_campaign = has_campaigns and policy.writes_campaigns and mailing.origin is MailingOrigin.BULK
    campaign = campaign_id(policy.environment, mailing.handle) if is_campaign else None
    interactions = [
        InteractionWrite(_id(subject, row.part, policy), record, mailing.mailing, campaign, row)
        for row in changed
        if policy.stores_sent or row.kind not in _SENT
    ]
    responses = [] if campaign is None else _responses(subject, campaign, policy)
    is_wanted = changed and policy.writes_activities and not is_too_large(mailing, policy)
    kept = {row.part for row in subject.after.rows}
    return RowPlan(
        interactions,
        _activities(subject, policy) if is_wanted else [],
        responses,
        gone_interactions=[_id(subject, row.part, policy) for row in subject.before.rows if row.part not in kept],
        gone_responses=[] if campaign is None else _gone_responses(subject, policy),
    )


def is_too_large(mailing: KnownMailing, policy: EngagementPolicy) -> bool:
    """Whether a mailing has too many recipients for an activity each."""
    return (mailing.sent or 0) > policy.most_activities


def _responses(subject: Subject, campaign: UUID, policy: EngagementPolicy) -> list[ResponseWrite]:
    """One response for a mailing and a kind: clicks on several links together are one. Machines respond to nothing."""
    found: list[ResponseWrite] = []
    changed = {row.kind for row in subject.changed}
    for kind, response in RESPONSES.items():
        rows = [row for row in subject.after.rows if row.kind is kind and row.suspect is None]
        if response not in policy.responses or kind not in changed or not rows:
            continue
        whole = Interaction(
            kind,
            min(row.first for row in rows),
            max(row.last for row in rows),
            sum(row.count for row in rows),
            bounce=rows[0].bounce,
            confidence=rows[0].confidence,
        )
        identifier = _id(subject, f"response|{kind}", policy)
        found.append(ResponseWrite(identifier, subject.record, campaign, subject.mailing.mailing, whole))
    return found


def _gone_responses(subject: Subject, policy: EngagementPolicy) -> list[UUID]:
    """Return the responses that nothing speaks for any more.

    A worker that died before it stored the memory may have written a response that is one of a machine by now.
    """
    before = _responding(subject.before) | {row.kind for row in subject.changed}
    after = _responding(subject.after)
    return [
        _id(subject, f"response|{kind}", policy)
        for kind, response in RESPONSES.items()
        if response in policy.responses and kind in before - after
    ]


def _responding(reading: Reading) -> set[InteractionKind]:
    return {row.kind for row in reading.rows if row.suspect is None}


def _activities(subject: Subject, policy: EngagementPolicy) -> list[ActivityWrite]:
    mailing, after = subject.mailing, subject.after
    events = subject.memory.mailings.get(mailing.handle, frozenset())
    sent, opened = of_kind(events, EventKind.SENT), of_kind(events, EventKind.OPENED)
    if not sent:
        return []  # nothing is known of the message itself
    clicks = [row for row in after.rows if row.kind is InteractionKind.CLICKED and row.suspect is None]
    return [
        ActivityWrite(
            id=_id(subject, "activity", policy),
            record=subject.record,
            mailing=mailing.mailing,
            content=mailing.content,
            sent_on=sent[0].at,
            is_opened=after.is_opened,
            is_clicked=after.is_clicked,
            bounce=after.bounce,
            links=tuple(dict.fromkeys(row.link.name or row.link.url for row in clicks if row.link and row.link.id)),
            opens=len(opened),
            clicks=sum(row.count for row in clicks),
            last_opened=opened[-1].at if opened else None,
        )
    ]


def _id(subject: Subject, part: str, policy: EngagementPolicy) -> UUID:
    return interaction_id(policy.environment, subject.mailing.handle, subject.memory.external_id, part)
