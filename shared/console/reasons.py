"""What a reason means to people: its kind, what to do, who acts, and when it is tried again (principle 2).

The sentence of the reason itself is `TEXTS` of `shared/domain/records/outcomes.py`; `docs/errors.md` has the codes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.console.rendering.words import Said, said
from shared.console.web import Tone
from shared.domain.records.outcomes import IN_PLATFORM, TEXTS, Reason, Result


class Actor(StrEnum):
    """Who acts."""

    ITSELF = said("Nobody: it goes on by itself")
    OWNER = said("The owner of the record")
    OPERATOR = said("An operator")
    ADMINISTRATOR = said("An administrator")
    DEVELOPER = said("A developer")


@dataclass(frozen=True, slots=True)
class Cure:
    """What to do, who does it, and when it is tried again."""

    what: Said
    who: Actor
    next_try: Said


_NOTHING = said("Nothing needs to be done.")
_AT_SAVE = said("At the next save of the record. Not by itself: the same value would fail again.")
_ALONE = said("By itself, within minutes.")
_NEVER = said("Not by itself. An operator tries it again.")
_AFTER = said("When an administrator has decided.")
_AT_CHANGE = said("At the next change of the record.")

_NONE = Cure(_NOTHING, Actor.ITSELF, _AT_CHANGE)
_CORRECT = said("Correct the record in Dynamics and save it.")

CURES: Mapping[Reason, Cure] = {
    Reason.INVALID_EMAIL: Cure(said("Correct the e-mail address in Dynamics and save."), Actor.OWNER, _AT_SAVE),
    Reason.INVALID_VALUE: Cure(_CORRECT, Actor.OWNER, _AT_SAVE),
    Reason.NO_EMAIL: Cure(said("Fill in an e-mail address in Dynamics and save."), Actor.OWNER, _AT_SAVE),
    Reason.REFUSED: Cure(said("Correct the record, or the row of the mapping."), Actor.ADMINISTRATOR, _AT_SAVE),
    Reason.REFUSED_HERE: Cure(
        said("Correct what Spotler Status of the record names: a duplicate, a plug-in, a right. Then save the record."),
        Actor.OWNER,
        _AT_SAVE,
    ),
    Reason.DO_NOT_EMAIL: Cure(
        said("Nothing, if the person refused mail. Otherwise set Do Not Email to Allow and save."),
        Actor.OWNER,
        _AT_CHANGE,
    ),
    Reason.OPTED_OUT: Cure(
        said("Nothing: only the person can come back, by a form of Spotler."), Actor.ITSELF, _AT_CHANGE
    ),
    Reason.SYNC_DISABLED: Cure(
        said("Activate Spotler Status of the record, if it is to be synchronised."), Actor.OWNER, _AT_CHANGE
    ),
    Reason.LEAD_SYNC_DISABLED: Cure(
        said("Activate Spotler Status of the contact, then synchronise it."), Actor.OWNER, _AT_CHANGE
    ),
    Reason.INACTIVE: Cure(said("Activate the record in Dynamics, if that was not meant."), Actor.OWNER, _AT_CHANGE),
    Reason.DELETED: Cure(
        said("Nothing. A record that was deleted by mistake is restored in Dynamics."), Actor.OWNER, _AT_CHANGE
    ),
    Reason.FILTERED: Cure(
        said("Nothing, if the filter is meant. Otherwise change the record, or the filter of the mapping."),
        Actor.ADMINISTRATOR,
        _AT_CHANGE,
    ),
    Reason.FILTER_UNREADABLE: Cure(
        said("Correct the filter of the mapping, or extend the role of the connector."), Actor.ADMINISTRATOR, _ALONE
    ),
    Reason.ENVIRONMENT_OFF: Cure(
        said("Switch synchronisation on for the environment: SYNC_ENABLED."), Actor.ADMINISTRATOR, _AT_CHANGE
    ),
    Reason.TABLE_OFF: Cure(said("Add the table to SYNC_TABLES."), Actor.ADMINISTRATOR, _AT_CHANGE),
    Reason.NOT_ALLOWED: Cure(
        said("Nothing during a trial. Otherwise add the address to the allow-list, or go live."),
        Actor.ADMINISTRATOR,
        _AT_CHANGE,
    ),
    Reason.HARD_BOUNCE: Cure(said("Correct the e-mail address in Dynamics and save."), Actor.OWNER, _AT_SAVE),
    Reason.SOFT_BOUNCE: Cure(said("Correct the e-mail address in Dynamics and save."), Actor.OWNER, _AT_SAVE),
    Reason.NO_ACTIVE_CHANNEL: Cure(
        said("Wait for the next look at Spotler: it tells whether somebody opted out or mail came back."),
        Actor.ITSELF,
        _ALONE,
    ),
    Reason.PERHAPS_OPTED_OUT: Cure(
        said("If nobody opted out, add the former address in Spotler."), Actor.OWNER, _AT_CHANGE
    ),
    Reason.DEACTIVATED: Cure(
        said("Make the contact active in Spotler, if it is to get mail again."), Actor.OWNER, _AT_CHANGE
    ),
    Reason.BUSY: Cure(_NOTHING, Actor.ITSELF, _ALONE),
    Reason.THROTTLED: Cure(_NOTHING, Actor.ITSELF, _ALONE),
    Reason.UNAVAILABLE: Cure(_NOTHING, Actor.ITSELF, _ALONE),
    Reason.MISCONFIGURED: Cure(
        said("Correct the access or the configuration that the connection shows."), Actor.ADMINISTRATOR, _ALONE
    ),
    Reason.GAVE_UP: Cure(said("Try it again when both sides answer."), Actor.OPERATOR, _NEVER),
    Reason.UNSETTLED: Cure(
        said("Find what keeps saving the record, a plug-in or a flow. Then try it again."), Actor.ADMINISTRATOR, _NEVER
    ),
    Reason.MASS_ERASURE: Cure(said("Decide whether the erasures are meant."), Actor.ADMINISTRATOR, _AFTER),
    Reason.MASS_UNSUBSCRIPTION: Cure(
        said("Decide whether the lost permissions are meant."), Actor.ADMINISTRATOR, _AFTER
    ),
    Reason.MASS_LIST_REMOVAL: Cure(said("Look at the members of the list, then decide."), Actor.ADMINISTRATOR, _AFTER),
    Reason.DEFECT: Cure(
        said("Report it with the correlation id. Try it again after an upgrade."), Actor.DEVELOPER, _NEVER
    ),
}


def cure_of(reason: str) -> Cure:
    """Return the cure of a reason; one that asks nothing of anybody where the reason needs none."""
    return (
        CURES.get(Reason(reason), _NONE)
        if reason in set(Reason)
        else Cure(said("Look the code up in docs/errors.md."), Actor.ADMINISTRATOR, _NEVER)
    )


def text_of(reason: str) -> str:
    """Return the English sentence of a reason, which the catalogues have; the code itself for a foreign one."""
    return TEXTS[Reason(reason)] if reason in set(Reason) else reason


class Kind(StrEnum):
    """What became of a change, in three kinds and one that is not over."""

    ARRIVED = said("Arrived")
    LEFT_OUT = said("Left out on purpose")
    FAILED = said("Failed")
    WAITING = said("Waiting")


def kind_of(result: str, reason: str) -> Kind:
    """Return the kind of an outcome."""
    match result:
        case Result.FAILED:
            return Kind.FAILED
        case Result.WAITING:
            return Kind.WAITING
        case Result.SKIPPED:
            return Kind.FAILED if reason == Reason.INVALID_EMAIL else Kind.LEFT_OUT
        case _:
            return Kind.ARRIVED if reason in IN_PLATFORM else Kind.LEFT_OUT


TONES: Mapping[Kind, Tone] = {
    Kind.ARRIVED: Tone.OK,
    Kind.LEFT_OUT: Tone.NEUTRAL,
    Kind.FAILED: Tone.BAD,
    Kind.WAITING: Tone.INFO,
}
