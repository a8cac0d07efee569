"""Decisions: what waits for a person. If nobody does anything, all stays as it is (TRB, NEW-04)."""

import asyncio
from collections.abc import Collection, Mapping
from http import HTTPStatus
from uuid import UUID

from shared.administration.people.both_sides import FieldSides, explained
from shared.administration.people.choices import Side
from shared.composition import app
from shared.console.access.values import note_views, readable, why_hidden
from shared.console.pages.overview import HELD_TEXTS
from shared.console.pages.person import key_of, names_of
from shared.console.pages.problems.acts import require_number
from shared.console.pending import look_again
from shared.console.rendering.words import Said, said
from shared.console.web import Notice, Page, Redirect, RefusedError, Reply, Tone, Visit, link
from shared.domain.merging.merge import MergeDecision
from shared.domain.planning.binding import MassChange
from shared.domain.records.records import RecordKey
from shared.domain.wording.phrase import Phrase
from shared.domain.wording.refused_acts import ChoiceRefusal
from shared.errors import ConflictError, ConnectorError, DataError, NotFoundError
from shared.inbound.reviews import ReviewReason

_EXAMPLES = 10
_READ, _LISTED = 10, 50
"""Rows of a page: fewer where each is read from both sides."""

_HOURS = 1

_MEANT: Mapping[MassChange, tuple[Said, Said, Said]] = {
    MassChange.ERASURE: (
        said("Very many records ended within an hour. These people are in Spotler as before."),
        said("Activate or restore the records in Dynamics. Each leaves this list by itself at its next comparison."),
        said("These people are erased in Spotler: name, address, history of mailings. This cannot be undone."),
    ),
    MassChange.UNSUBSCRIPTION: (
        said("Very many people were about to lose their permissions, although nobody refused."),
        said("Correct the permissions in Dynamics, or the filter of the mapping. Each leaves this list by itself."),
        said("These people lose their permissions in Spotler, and get no mail until somebody gives them again."),
    ),
    MassChange.BLANKING: (
        said("A change of the mapping would empty values of very many people."),
        said("Roll the mapping back. Each leaves this list by itself."),
        said("The values are emptied in Spotler."),
    ),
    MassChange.LIST_REMOVAL: (
        said("A synchronisation would take very many members out of a list in Spotler."),
        said("Put the members back in Dynamics and synchronise the list."),
        said("The lists are synchronised again, and the members leave them in Spotler."),
    ),
}

_BUTTONS: Mapping[MassChange, Said] = {
    MassChange.ERASURE: said("Erase %(count)s people"),
    MassChange.UNSUBSCRIPTION: said("Withdraw permissions of %(count)s people"),
    MassChange.BLANKING: said("Empty values of %(count)s people"),
    MassChange.LIST_REMOVAL: said("Synchronise %(count)s lists"),
}

_REVIEWS: Mapping[ReviewReason, Said] = {
    ReviewReason.AMBIGUOUS: said("Several records match this new subscriber. Which one is it?"),
    ReviewReason.OTHER_ADDRESS: said("The record that matches this new subscriber has another e-mail address."),
    ReviewReason.REFUSED: said("Dataverse refused the new record."),
    ReviewReason.REFUSES_MAIL: said("The record that matches this new subscriber refuses mail."),
}

_REFUSES_MAIL = said(
    "Not decided: %(refusal)s If the sign-up is the newer act, allow mail on the record in Dynamics, then decide "
    "again. Otherwise choose: Leave this subscriber alone for good."
)


async def decisions(visit: Visit) -> Reply:
    """Show what is held and the reviews of new subscribers."""
    connector = await app.connector()
    state = await connector.brake.state()
    held = []
    for name, one in state.items():
        if one["held"]:
            kind = MassChange(name)
            names, _ = await connector.brake.held_page(kind, None)
            held.append((kind, one, HELD_TEXTS[kind], *_MEANT[kind], _BUTTONS[kind], names[:_EXAMPLES]))
    reviews = await connector.reviews.page(after=visit.asked("after"))
    stood = await (await app.administration()).standings.counted()
    values = {
        "title": said("Decisions"),
        "held": held,
        "reviews": [(one, _REVIEWS[one.reason]) for one in reviews.reviews],
        "next": link("decisions", after=reviews.following) if reviews.following else "",
        "count": len(held) + len(reviews.reviews) + (stood.asked if stood else 0),
    }
    return Page("pages/decisions.html", values)


async def fields(visit: Visit) -> Reply:
    """List fields that both sides changed and a person decides about (`asked`), or that go to and fro (`frozen`)."""
    wanted = visit.asked("decision")
    decision = MergeDecision.FROZEN if wanted == MergeDecision.FROZEN else MergeDecision.ASKED
    is_asked = decision is MergeDecision.ASKED
    rows, following = await (await app.administration()).standings.fields(
        decision, after=visit.asked("after"), limit=_READ if is_asked else _LISTED
    )
    hidden, sides = await _sides(visit, [key for key, _ in rows]) if is_asked else ("", {})
    values = {
        "rows": [(key, names, sides.get(key)) for key, names in rows],
        "is_asked": is_asked,
        "why_hidden": hidden,
        "next": link("parts", "fields", decision=decision, after=following) if following else "",
    }
    return Page("parts/fields.html", values, is_fragment=True)


async def _sides(
    visit: Visit, keys: Collection[RecordKey]
) -> tuple[Said, Mapping[RecordKey, tuple[str, Mapping[str, FieldSides]]]]:
    """Return why the values of others are hidden, and name and fields of those whose values the user may see."""
    explain = (await app.connector()).explain
    try:
        allowed = sorted(await readable(visit, keys), key=str)
        found = await asyncio.gather(*(explained(explain, key) for key in allowed))
        await note_views(visit, allowed)
    except ConnectorError:
        return said("Values cannot be read now: a side does not answer."), {}
    fields_of = ((one.name, {field.name: field for field in one.fields}) for one in found)
    return why_hidden(visit), dict(zip(allowed, fields_of, strict=True))


async def duplicates(visit: Visit) -> Reply:
    """List contacts of Spotler that several active records share, with the record whose values count."""
    groups, following = await (await app.administration()).standings.duplicates(after=visit.asked("after"), limit=_READ)
    shared = [(group.primary_user, group.sharing_records_of().keys) for group in groups]
    values = {
        "groups": shared,
        "names": await names_of(visit, [key for _, keys in shared for key in keys]),
        "next": link("parts", "duplicates", after=following) if following else "",
    }
    return Page("parts/duplicates.html", values, is_fragment=True)


async def take_side(visit: Visit) -> Reply:
    """Let one side of a field count that both sides changed."""
    key = key_of(visit)
    if visit.given("side") not in set(Side):
        raise RefusedError(HTTPStatus.BAD_REQUEST, said("Choose the side whose value counts."))
    try:
        await (await app.administration()).choices.take_side(key, visit.given("field"), Side(visit.given("side")))
    except ConflictError as error:
        raise RefusedError(HTTPStatus.CONFLICT, said("Not decided: %(cause)s"), cause=error.summary) from None
    text = said("Decided. Both sides get this value within seconds.")
    return Redirect(link("person", key.table, str(key.id)), Notice(Tone.OK, text))


async def make_primary(visit: Visit) -> Reply:
    """Let a record be the one of its duplicates whose values the contact has."""
    key = key_of(visit)
    try:
        await (await app.administration()).choices.make_primary(key)
    except ConflictError as error:
        raise RefusedError(HTTPStatus.CONFLICT, said("Not decided: %(cause)s"), cause=error.summary) from None
    text = said("Decided. The contact gets the values of this record within seconds.")
    return Redirect(link("person", key.table, str(key.id)), Notice(Tone.OK, text))


async def release(visit: Visit) -> Reply:
    """Let held changes pass, if the number was typed that is held now."""
    try:
        kind = MassChange(visit.parts[0])
    except ValueError:
        raise RefusedError(HTTPStatus.NOT_FOUND, said("There is no such kind of change.")) from None
    connector = await app.connector()
    count = int((await connector.brake.state())[kind]["held"])
    if not count:
        raise RefusedError(HTTPStatus.CONFLICT, said("Nothing of this kind is held any more."))
    require_number(visit, count)
    await connector.release.begin([kind], _HOURS)
    look_again()
    text = said("Released: %(count)s. They are processed now, and this kind passes for an hour.")
    return Redirect(link("decisions"), Notice(Tone.OK, text, {"count": count}))


async def decide(visit: Visit) -> Reply:
    """Link a new subscriber to a record, or leave the subscriber alone for good."""
    reviews = (await app.connector()).reviews
    try:
        identifier = UUID(visit.parts[0])
        chosen = visit.given("record")
        key = None if chosen == "dismiss" else RecordKey.parse(chosen)
    except ValueError:
        raise RefusedError(HTTPStatus.BAD_REQUEST, said("Choose one of the records, or leave it alone.")) from None
    try:
        await (reviews.dismiss(identifier) if key is None else reviews.bind(identifier, key))
    except NotFoundError:
        raise RefusedError(HTTPStatus.NOT_FOUND, said("This review, or the record, is gone.")) from None
    except (ConflictError, DataError) as error:
        raise not_decided(error) from None
    look_again()
    text = said("Left alone for good.") if key is None else said("Linked. Both sides are compared now.")
    return Redirect(link("decisions"), Notice(Tone.OK, text))


def not_decided(error: ConnectorError) -> RefusedError:
    """Return why a review stays open; about a refusal of mail, what its reader can do on the page and in Dynamics."""
    cause = error.summary
    if isinstance(cause, Phrase) and cause.wording is ChoiceRefusal.REFUSES:
        refusal = cause.values["refusal"]
        assert isinstance(refusal, str)
        return RefusedError(HTTPStatus.CONFLICT, _REFUSES_MAIL, refusal=refusal)
    return RefusedError(HTTPStatus.CONFLICT, said("Not decided: %(cause)s"), cause=cause)
