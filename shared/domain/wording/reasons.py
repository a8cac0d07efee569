"""What a reason means, in a sentence."""

from shared.domain.wording.phrase import Wording


class ReasonText(Wording):
    """One sentence for each `Reason` of an outcome, by the same name."""

    CREATED = "Created in Spotler."
    UPDATED = "Updated in Spotler."
    AGREED = "Spotler has the same data already."
    RETURNED = "Dataverse took over what had changed in Spotler."
    PURGED = "All data of the Spotler contact was cleared on request."
    ABSENT = "Spotler has no data of this record."
    DELETED = "The record was deleted."
    INACTIVE = "The record is inactive."
    MERGED = "The record was merged into another one."
    DO_NOT_EMAIL = "Do Not Email is set."
    NO_EMAIL = "There is no e-mail address."
    ADDRESS_MOVED = "The e-mail address now belongs to another Spotler contact."
    ON_REQUEST = "A job asked for it."
    STILL_USED = "Another active record still uses this Spotler contact."
    ENVIRONMENT_OFF = "Synchronisation is switched off for this environment."
    TABLE_OFF = "Synchronisation is not enabled for this table."
    NOT_ALLOWED = "The connector is being tried out, and its allow-list does not have this person's address."
    SYNC_DISABLED = "A person has disabled synchronisation for this record."
    LEAD_SYNC_DISABLED = (
        "A person had disabled synchronisation for the lead that became this contact. "
        "Activate this Spotler Info to synchronise the contact."
    )
    OPTED_OUT = "The person has opted out in Spotler."
    DEACTIVATED = (
        "A Deactivate Contact job made the contact inactive in Spotler. Nothing is sent until somebody "
        "makes it active there."
    )
    LEAD_QUALIFIED = "The lead was qualified; its contact carries on."
    FILTERED = "A filter of the mapping excludes the record."
    FILTER_UNREADABLE = "A filter of the mapping names what cannot be read; an administrator must correct it."
    INVALID_EMAIL = "The e-mail address is not valid."
    INVALID_VALUE = "A field does not fit Spotler."
    REFUSED = "Spotler refused the data."
    REFUSED_HERE = "Dataverse refused what had changed in Spotler."
    NO_ACTIVE_CHANNEL = "Spotler has no usable channel for this person, for instance after a bounce."
    PERHAPS_OPTED_OUT = (
        "Mail came back, and the Spotler contact was changed since: perhaps by an opt-out. "
        "If nobody opted out, add the former address in Spotler."
    )
    HARD_BOUNCE = "Mail to this address came back: it does not exist or is wrong. Spotler does not mail it."
    SOFT_BOUNCE = "Mail to this address came back four times. Spotler does not mail it any more."
    BUSY = "Another change of the same person is being processed."
    THROTTLED = "Waiting, because the other side asked for a pause."
    UNAVAILABLE = "Waiting, because the other side did not answer."
    MISCONFIGURED = "Waiting for an administrator: access or configuration is wrong."
    GAVE_UP = "Given up after repeated failures; an administrator can replay it."
    UNSETTLED = "Given up: something else was changing this person each time; an administrator can replay it."
    MASS_ERASURE = "Very many contacts were about to be erased at once; an administrator must decide."
    MASS_UNSUBSCRIPTION = (
        "Very many contacts were about to lose their permissions at once; an administrator must decide."
    )
    MASS_LIST_REMOVAL = "Very many members were about to leave the list at once; an administrator must decide."
    DEFECT = "The connector itself failed on this record; the log has the details."
