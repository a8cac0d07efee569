"""Why messages became dead letters, and what is wrong with a queue."""

from shared.domain.wording.phrase import Wording


class LetterText(Wording):
    """The description of a dead letter."""

    ABOUT = "%(what)s: %(text)s"
    CAUSE = "%(text)s The cause: %(cause)s"
    UNREPORTED = "%(text)s The report of that did not get through: %(cause)s"
    SUBSCRIBER = "Spotler contact %(contact)s: %(text)s"
    DELIVERED = "delivered %(count)s times, and each time the function failed"
    LANE = "Only the connector writes to %(queue)s: %(problem)s"
    NO_LANE_MESSAGE = "not a message of the connector (%(places)s)"


class EventText(Wording):
    """Why a message is no change that Dataverse tells."""

    REPAIR = (
        "In the Plugin Registration Tool (or in the serviceendpoint row) set the Message Format of the service "
        "endpoint to JSON; then have Dataverse send the affected rows again with a resynchronisation."
    )
    BINARY = "The message is .NET binary XML. %(repair)s"
    XML = "The message is XML. %(repair)s"
    NOT_UTF8 = (
        "The message is not UTF-8 text. Set messagecharset of the serviceendpoint row to 1 (UTF8); if the message "
        "does not come from Dataverse, its sender must not use this queue."
    )
    NOT_JSON = "The message is not JSON. If Dataverse sent it: %(repair)s Otherwise its sender must not use this queue."
    TOO_DEEP = "The message is JSON, but nested deeper than any that Dataverse sends."
    OTHER_JSON = (
        "The message is JSON, but no RemoteExecutionContext of Dataverse (look at %(places)s). Only a Dataverse "
        "service endpoint may send to this queue: give the other sender a queue of its own, or let it call the HTTP "
        "interface."
    )
    THE_WHOLE = "the whole"
    OTHER_ORGANISATION = (
        "The message comes from organisation %(organisation)s, which is not configured here. If that environment is a "
        "copy of one that is, delete its service endpoint or point it to a queue of its own; otherwise add its "
        "organisation URL and id to the settings."
    )


class QueueText(Wording):
    """What must be changed in the settings of a queue."""

    LOCK = "lock duration %(seconds)s s instead of %(least)s s"
    EXPIRY = "messages that expire vanish: switch dead-lettering on expiry on"
