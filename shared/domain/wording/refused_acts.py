"""Why an act of a person on a list, a run, a mapping or a decision is refused."""

from shared.domain.wording.phrase import Wording


class ListRefusal(Wording):
    """Why a list cannot be synchronised."""

    CODED = "%(code)s %(text)s"
    ALLOW_LIST = (
        "The connector is being tried out with an allow-list. A list is about more people: sync it when it is live."
    )
    TABLE_OFF = (
        "The list targets %(table)s, which is not synchronised: add %(table)s to SYNC_TABLES, then sync the list again."
    )
    INACTIVE = "The Marketing List is deactivated: activate it, then sync it again."
    SYNC_DISABLED = "A person has disabled synchronisation for this list: activate its Spotler Info."
    GONE = "The Marketing List is gone, or lists no people."
    STATIC = (
        "Spotler's API cannot make static lists: they are imported in Spotler itself. Choose audience or temporary, "
        "on the list (Spotler List Kind) or for all lists (setting SPOTLER_LIST_KIND)."
    )
    EDITION = (
        "Spotler does not allow lists for this account: audiences need Mail+ Automation or eCommerce, "
        "Mail+ Professional has none. Extend the licence, or choose temporary lists "
        "(Spotler List Kind, or the setting SPOTLER_LIST_KIND)."
    )


class ChoiceRefusal(Wording):
    """Why a side, a primary record or the decision of a review cannot be chosen."""

    DECIDED = "this field waits for no decision any more"
    PROCESSED = "the record was processed meanwhile"
    IN_PROCESS = "the record is being processed: try again in a moment"
    NOT_PRIMARY = "this record is primary already, shares no contact, or refuses mail"
    SIDE_GONE = "one of the sides is gone"
    DOES_NOT_FIT = "the value of Dynamics does not fit Spotler: correct it there"
    IN_CHANGE = "the record is being changed: try again in a moment"
    SYNCHRONISED = "The record is being synchronised: try again in a moment"
    OTHER_ADDRESS = (
        "The %(table)s has another %(property)s address than the Spotler contact: change it there or here first"
    )
    DO_NOT_EMAIL = "Do Not Email is set."
    BULK_EMAIL = "Do Not Bulk Email is set."
    REFUSES = '%(refusal)s Send "liftRefusal": true as well if the sign-up is the newer act; otherwise dismiss'
    SOMEBODY_ELSE = "Somebody else decided at the same time: look again"


class MappingRefusal(Wording):
    """Why a mapping or its proposal cannot be kept."""

    OTHER_LIVE = (
        "Version %(live)s of the mapping is live, the change was made on version %(base)s: "
        "look at the difference and apply again"
    )
    SOMEBODY_ELSE = "Somebody else has applied a mapping at the same time: look at it and apply again"
    PROPOSAL = "somebody else has changed the proposal meanwhile"


class RunRefusal(Wording):
    """Why a run cannot be started, paused, resumed or stopped."""

    WALK = "a walk over every %(table)s is under way: wait for its end"
    SAME_MOMENT = "another run was started at the same moment"
    CHANGED_BY_OTHERS = "the run is being changed by others"
    STATE = "the run is %(state)s"
    NO_RUN = "no such run is under way"
    NO_COMPARISON = "no such comparison is under way"
    COMPARISON_CHANGED = "the comparison is being changed by others"
    PAUSED = "it is paused"
    NOT_PAUSED = "it is not paused"
    NOT_PLANNED = "what going live will do was not planned"
