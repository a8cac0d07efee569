"""Why a piece of the connector's work gave an error: settings that do not fit, claims, time, jobs."""

from shared.domain.wording.phrase import Wording


class WorkCause(Wording):
    """The cause of an error of the connector's own work."""

    NO_MAPPING = "No mapping is active yet: start the connector once"
    MAPPING_FILE = "The mapping %(file)s cannot be used: %(problem)s"
    TRIP_NOT_SENT = (
        "ROUND_TRIP_COLUMN is %(column)s, and no row of the mapping sends this column of a %(table)s to Spotler as it "
        "is"
    )
    TARGET_WITHOUT_ENTITY = "NEW_SUBSCRIBER_TARGET is %(target)s, but no row of the mapping has an entity column"
    TARGET_OFF = "NEW_SUBSCRIBER_TARGET is %(target)s, but SYNC_TABLES does not have %(table)s"
    TARGET_WITHOUT_EMAIL = (
        "NEW_SUBSCRIBER_TARGET is %(target)s, but the mapping has no row for the %(property)s of a %(table)s"
    )
    MATCH = "NEW_SUBSCRIBER_MATCH cannot be used: %(problem)s"
    MATCH_UNMAPPED = "no row of the mapping fills %(table)s.%(column)s from Spotler"
    NOT_ALLOWED = "The connector is being tried out, and its allow-list does not have this person's address"
    CLAIMS_BEFORE_RESULTS = "the claims ran out before the results could be kept"
    CLAIMS_BEFORE_END = "the claims would have run out before the call ended"
    CLAIMS_BEFORE_ANSWER = "the claims ran out before Spotler answered"
    NOT_IN_TIME = "%(what)s: not done in time"
    DEFECT = "the connector itself failed: %(error)s"
    REFERENCES = "%(count)s references"
    SHADOW_PLANS = "%(count)s plans of the shadow"
    SHADOW_PAGE = "a page of the shadow"
    FORECAST_PAGE = "a page of a forecast"
    BUILDING = "building the connector"
    OWN_USER_READ = "reading our own user"
    ORGANISATION_ASKED = "asking for organisation %(organisation)s"
    MEMBERS_MISCONFIGURED = "members cannot be synchronised: access or configuration is wrong"
    MEMBERS_PAUSE = "members wait for a pause to end"
    CONTACT_TAKEN = "another worker took over the contact"
    CONTACT_HELD = "another worker holds the contact"
    NO_TIME = "there was no time left to begin"
    JOB_TAKEN = "another worker runs the job"
    STILL_SYNCHRONISED = (
        "The record is still synchronised: Spotler has its contact. Delete the record, or let a job anonymise it, and "
        "ask again; or say that it shall be forgotten although it is synchronised"
    )
    WEIGHTS_NUMBER = "Version %(last)s is live: give this file a higher number, such as %(next)s"
    WEIGHTS_ACTOR = "Say who applies the weights by a role or an id (letters, digits, - and _), not by a name"
    WEIGHTS_ELSE = "Somebody else has applied weights at the same time: look at them and apply again"
