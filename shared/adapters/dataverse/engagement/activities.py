"""E-mail and phone call activities for mailings, and campaign responses (BULK-02, BULK-04, ACT-03, ACT-06, ACT-07).

An activity is created as already sent, and never sent: no message of Dataverse that sends is used. Its id is given, so
that a repetition finds it; then only its marks are written. `email` has no bulk messages, and an inline party list goes
with a creation alone: hence change sets in `$batch`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.adapters.dataverse.engagement.bulk_messages import sorted_out
from shared.adapters.dataverse.engagement.names import BOUNCE_TYPES, text_of
from shared.adapters.dataverse.records import tables
from shared.adapters.dataverse.web_api import odata, operations
from shared.adapters.dataverse.web_api.answers import OperationResult
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.operations import Retrieve, WebApiOperation
from shared.domain.engagement.events import BounceType
from shared.domain.engagement.interactions import Interaction, InteractionKind
from shared.domain.engagement.mailings import MailingKind
from shared.domain.records.records import RecordKey
from shared.domain.values.values import clipped
from shared.errors import ConnectorError, DataError, NotFoundError
from shared.ports.engagement import ActivityWrite, Refused, ResponseWrite

_KEY = "activityid"
_CATEGORY = "Spotler"
_SENDER, _RECIPIENT, _CUSTOMER = 1, 2, 11
_OPEN = {"statecode": 0, "statuscode": 1}

_EMAIL_SUBJECT, _SUBJECT, _DESCRIPTION, _ADDRESS, _LINKS = 800, 200, 2000, 200, 2000


@dataclass(frozen=True, slots=True)
class _Kind:
    """A table of activities: its set, its list of parties, and the state of a row that is over."""

    name: str
    entity_set: str
    parties: str
    closed: Mapping[str, int]


_EMAIL = _Kind("email", "emails", "email_activity_parties", {"statecode": 1, "statuscode": 3})
_PHONE_CALL = _Kind("phonecall", "phonecalls", "phonecall_activity_parties", {"statecode": 1, "statuscode": 2})
_RESPONSE = _Kind(
    "campaignresponse", "campaignresponses", "campaignresponse_activity_parties", {"statecode": 1, "statuscode": 2}
)

_CANCELED = {"statecode": 2, "statuscode": 3}

_INTERESTED, _NO_MATERIALS, _ERROR = 1, 3, 4
_RESPONSE_CODES: Mapping[InteractionKind, int] = {
    InteractionKind.OPENED: _INTERESTED,
    InteractionKind.CLICKED: _INTERESTED,
    InteractionKind.UNSUBSCRIBED: _NO_MATERIALS,
    InteractionKind.BOUNCED: _ERROR,
}
_CHANNELS: Mapping[MailingKind, int] = {MailingKind.EMAIL: 1, MailingKind.SMS: 6}  # 2, Phone, is a call
_VERBS: Mapping[InteractionKind, str] = {
    InteractionKind.OPENED: "Opened",
    InteractionKind.CLICKED: "Clicked",
    InteractionKind.UNSUBSCRIBED: "Unsubscribed",
    InteractionKind.BOUNCED: "Bounced",
}


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of any kind: what a creation writes in addition to what is written every time."""

    id: UUID
    first: Mapping[str, Any]
    always: Mapping[str, Any]


class DataverseActivities:
    """Implements the port `ActivityRows`."""

    def __init__(self, client: DataverseClient) -> None:
        self._client = client

    async def write_activities(self, activities: Sequence[ActivityWrite]) -> Sequence[Refused]:
        """Create activities as sent, or update their marks."""
        mails = [_email_row(one) for one in activities if one.mailing.kind is MailingKind.EMAIL]
        calls = [_phone_call_row(one) for one in activities if one.mailing.kind is MailingKind.SMS]
        return [*await self._write(_EMAIL, mails), *await self._write(_PHONE_CALL, calls)]

    async def write_responses(self, responses: Sequence[ResponseWrite]) -> Sequence[Refused]:
        """Create closed campaign responses, or update them."""
        return await self._write(_RESPONSE, [_response_row(one) for one in responses])

    async def cancel_responses(self, ids: Sequence[UUID]) -> None:
        """Cancel campaign responses. Deleting them would need the privilege to delete every activity."""
        batch = [operations.update(_RESPONSE.entity_set, one, _CANCELED) for one in ids]
        for error in await self._errors(batch, 1):
            if error is not None and not isinstance(error, NotFoundError):
                raise error

    async def _write(self, kind: _Kind, rows: Sequence[_Row]) -> list[Refused]:
        if not rows:
            return []
        wanted = Retrieve(kind.entity_set, _KEY, [row.id for row in rows], (_KEY,))
        (found,) = await self._client.retrieve_many([wanted])
        existing = {UUID(row[_KEY]) for row in found}
        new = [row for row in rows if row.id not in existing]
        old = [row for row in rows if row.id in existing and row.always]
        return [*await self._create(kind, new), *await self._update(kind, old)]

    async def _create(self, kind: _Kind, rows: Sequence[_Row]) -> list[Refused]:
        """Create each row and close it, both or none."""
        batch: list[WebApiOperation] = []
        for row in rows:
            group = f"new-{row.id}"
            values = {_KEY: str(row.id), **row.first, **row.always}
            batch.append(operations.create(kind.entity_set, values, key=_KEY, group=group))
            batch.append(operations.update(kind.entity_set, row.id, kind.closed, group=group))
        return sorted_out([row.id for row in rows], await self._errors(batch, 2))

    async def _update(self, kind: _Kind, rows: Sequence[_Row]) -> list[Refused]:
        """Update rows that are closed. Where Dataverse refuses that, they are opened and closed again."""
        state = kind.closed if kind is _RESPONSE else {}  # it may have been canceled
        batch = [operations.update(kind.entity_set, row.id, {**row.always, **state}) for row in rows]
        errors = await self._errors(batch, 1)
        closed = [row for row, error in zip(rows, errors, strict=True) if isinstance(error, DataError)]
        refused = sorted_out(
            [row.id for row in rows if row not in closed],
            [error for row, error in zip(rows, errors, strict=True) if row not in closed],
        )
        again: list[WebApiOperation] = []
        for row in closed:
            steps = (_OPEN, row.always, kind.closed)
            group = f"again-{row.id}"
            again += [operations.update(kind.entity_set, row.id, values, group=group) for values in steps]
        return [*refused, *sorted_out([row.id for row in closed], await self._errors(again, 3))]

    async def _errors(self, batch: Sequence[WebApiOperation], size: int) -> list[ConnectorError | None]:
        """Send groups of operations; return the first error of each group."""
        results = await self._client.batch(batch) if batch else []
        groups = [results[start : start + size] for start in range(0, len(results), size)]
        return [_first_error(group) for group in groups]


def row_values(write: ActivityWrite | ResponseWrite) -> dict[str, Any]:
    """Return the columns of a new row."""
    row = _response_row(write) if isinstance(write, ResponseWrite) else _activity_row(write)
    return {**row.first, **row.always}


def _activity_row(write: ActivityWrite) -> _Row:
    return _email_row(write) if write.mailing.kind is MailingKind.EMAIL else _phone_call_row(write)


def _first_error(results: Sequence[OperationResult]) -> ConnectorError | None:
    return next((one.error for one in results if one.error is not None), None)


def _email_row(write: ActivityWrite) -> _Row:
    content = write.content
    sender = clipped(content.sender_address, _ADDRESS)
    parties = [_party(write.record, _RECIPIENT)]
    if sender:
        parties.insert(0, {"addressused": sender, "participationtypemask": _SENDER})
    first = {
        "subject": clipped(content.subject or write.mailing.title, _EMAIL_SUBJECT),
        "description": _description(write),
        "directioncode": True,
        _EMAIL.parties: parties,
        **_common(write, _EMAIL),
    }
    marks: dict[str, Any] = {
        "dh_spotlerisopened": write.is_opened,
        "dh_spotlerisclicked": write.is_clicked,
        "dh_spotlerbounced": write.bounce is not None,
        "dh_spotlerbouncetype": BOUNCE_TYPES[write.bounce] if write.bounce else None,
        "dh_spotlerclickedlinks": clipped("\n".join(one for one in write.links if one), _LINKS) or None,
        "opencount": write.opens,
        "linksclickedcount": write.clicks,
    }
    if write.last_opened is not None:
        marks["lastopenedtime"] = text_of(write.last_opened)
    return _Row(write.id, first, marks)


def _phone_call_row(write: ActivityWrite) -> _Row:
    first = {
        "subject": clipped(write.mailing.title, _SUBJECT),
        "description": clipped(_description(write), _DESCRIPTION),
        "directioncode": True,
        _PHONE_CALL.parties: [_party(write.record, _RECIPIENT)],
        **_common(write, _PHONE_CALL),
    }
    return _Row(write.id, first, {})


def _common(write: ActivityWrite, kind: _Kind) -> dict[str, Any]:
    """Return what mails and calls share. `sortdate` has the exact moment; `actualend` shows the day only."""
    at = text_of(write.sent_on)
    return {"category": _CATEGORY, "sortdate": at, "actualend": at, **_regarding(write.record, kind)}


def _description(write: ActivityWrite) -> str:
    """Return a short text: the whole body of a mailing, stored for each recipient, would fill the database."""
    content, mailing = write.content, write.mailing
    sender = " ".join(part for part in (content.sender_name, f"<{content.sender_address}>") if part.strip("<>"))
    lines = [content.subject or mailing.name, f"From: {sender}" if sender else "", mailing.online_version]
    return "\n".join(line for line in lines if line)


def _response_row(write: ResponseWrite) -> _Row:
    one = write.interaction
    name = write.mailing.title
    first = {
        "subject": clipped(f"{_VERBS[one.kind]}: {name}", _SUBJECT),
        "channeltypecode": _CHANNELS[write.mailing.kind],
        "category": _CATEGORY,
        "regardingobjectid_campaign_campaignresponse@odata.bind": f"/{odata.row('campaigns', write.campaign)}",
        _RESPONSE.parties: [_party(write.record, _CUSTOMER)],
    }
    always = {
        "responsecode": _RESPONSE_CODES[one.kind],
        "receivedon": text_of(one.first),
        "sortdate": text_of(one.first),
        "description": clipped(_repetitions(one), _DESCRIPTION),
    }
    return _Row(write.id, first, always)


def _repetitions(one: Interaction) -> str:
    kind = {None: "", BounceType.HARD: "Hard bounce. ", BounceType.SOFT: "Soft bounce. "}[one.bounce]
    return f"{kind}{one.count} times, last on {text_of(one.last)}" if one.count > 1 else f"{kind}Once"


def _party(record: RecordKey, mask: int) -> dict[str, Any]:
    person = odata.row(tables.PEOPLE[record.table].entity_set, record.id)
    return {f"partyid_{record.table}@odata.bind": f"/{person}", "participationtypemask": mask}


def _regarding(record: RecordKey, kind: _Kind) -> dict[str, str]:
    person = odata.row(tables.PEOPLE[record.table].entity_set, record.id)
    return {f"regardingobjectid_{record.table}_{kind.name}@odata.bind": f"/{person}"}
