"""Words for codes of the domain: a page shows the words, and a code beside them never instead of them (principle 2)."""

from collections.abc import Mapping

from shared.console.rendering.words import Said, said
from shared.domain.consent.bounces import BounceKind
from shared.domain.consent.changes import BULK_EMAIL, DO_NOT_EMAIL, OPT_OUT, ConsentSource, ConsentState
from shared.domain.engagement.mailings import MailingKind
from shared.domain.features.capabilities import Capability
from shared.domain.features.schema_drift import Shift
from shared.domain.features.subscriber_import import ImportTarget
from shared.domain.mapping.model import BlankPolicy, ConflictPolicy, Direction
from shared.domain.merging.comparison_window import Span
from shared.domain.records.jobs import JobResult
from shared.domain.records.records import PersonTable
from shared.messages.list_messages import Phase
from shared.ports.queue import QueueName

TABLES: Mapping[str, Said] = {
    PersonTable.CONTACT: said("Contact"),
    PersonTable.LEAD: said("Lead"),
    PersonTable.ACCOUNT: said("Account"),
}

SUBJECTS: Mapping[str, Said] = {
    BULK_EMAIL: said("Bulk Email"),
    OPT_OUT: said("Opted out of everything"),
    DO_NOT_EMAIL: said("Do Not Email"),
}

STATES: Mapping[str, Said] = {
    ConsentState.YES: said("Yes"),
    ConsentState.NO: said("No"),
    ConsentState.UNKNOWN: said("Not known"),
}

SOURCES: Mapping[str, Said] = {
    ConsentSource.DATAVERSE_ROW: said("Somebody changed it in Dynamics"),
    ConsentSource.ENVIRONMENT_DEFAULT: said("Default of a new record"),
    ConsentSource.PLATFORM_PROFILE: said("The person, on a page or by a link of Spotler"),
    ConsentSource.PLATFORM_OPT_OUT: said("The person unsubscribed from everything"),
    ConsentSource.DO_NOT_BULK_EMAIL: said("Bulk Email of the record"),
    ConsentSource.DO_NOT_EMAIL: said("Do Not Email of the record"),
    ConsentSource.SHARED_CONTACT: said("Another record of the same contact refuses"),
    ConsentSource.FIRST_MEETING: said("Record and contact met for the first time"),
    ConsentSource.REACTIVATED: said("An opt-out has ended"),
    ConsentSource.SUPPRESSION: said("Somebody refused at this address before"),
    ConsentSource.ADMINISTRATOR: said("An administrator allowed it again"),
    ConsentSource.RESTORED: said("The state was restored from a backup"),
    ConsentSource.DEACTIVATED: said("The record was deactivated"),
    ConsentSource.DELETION: said("The record was deleted"),
    ConsentSource.JOB: said("A Spotler Job asked for it"),
    ConsentSource.FORM: said("A form of Spotler"),
}

JOB_RESULTS: Mapping[str, tuple[Said, Said]] = {
    JobResult.NOT_VALID: (
        said("The job's parameters are wrong; its Result Text in Dynamics says which."),
        said("Correct the job in Dynamics, then repeat it; or create it again."),
    ),
    JobResult.NOT_ALLOWED: (
        said("The user who created the job lacks a right on the record. Nothing was done."),
        said("Somebody who has the right creates the job."),
    ),
    JobResult.CONSENT_REFUSED: (
        said("The person has refused the consent that the job asked for."),
        said("Nothing: only the person can give it again."),
    ),
    JobResult.OUTCOME_UNKNOWN: (
        said("Nobody knows whether this job had its effect: the answer was lost."),
        said("Look in Spotler. Repeat it only if it did not happen."),
    ),
}
"""What a job's code means, and what to do. Reasons have theirs in `shared/console/reasons.py`."""

CAPABILITIES: Mapping[str, Said] = {
    Capability.TAGS: said("Add and remove tags"),
    Capability.SCORES: said("Set scores"),
    Capability.AUTOMATION_LIST: said("List automations"),
    Capability.AUTOMATION_STOP: said("Stop an automation"),
    Capability.AUTOMATION_FIELDS: said("Fill in fields of an automation"),
}

QUEUES: Mapping[str, Said] = {
    QueueName.EVENTS: said("Messages of Dynamics"),
    QueueName.LIVE: said("Changes of people"),
    QueueName.BULK: said("Runs and comparisons"),
}

DIRECTIONS: Mapping[str, Said] = {
    Direction.TO_PLATFORM: said("Dynamics to Spotler"),
    Direction.TO_DATAVERSE: said("Spotler to Dynamics"),
    Direction.BOTH: said("Both directions"),
}

CONFLICTS: Mapping[str, Said] = {
    ConflictPolicy.CRM: said("Dynamics wins"),
    ConflictPolicy.PLATFORM: said("Spotler wins"),
    ConflictPolicy.NEWEST: said("The newest wins"),
    ConflictPolicy.ASK: said("A person decides"),
}

BLANKS: Mapping[str, Said] = {
    BlankPolicy.CLEAR: said("It empties the field there"),
    BlankPolicy.KEEP: said("The field there keeps its value"),
}

SHIFTS: Mapping[str, Said] = {
    Shift.DELETED: said("was deleted"),
    Shift.RENAMED: said("has another label"),
    Shift.RETYPED: said("has another type"),
    Shift.REPLACED: said("was deleted and created again: old values are lost"),
    Shift.SHORTENED: said("takes shorter texts"),
    Shift.OPTION_DELETED: said("was deleted as an option"),
    Shift.OPTION_RENAMED: said("has another label, as an option"),
    Shift.OPTION_ADDED: said("is a new option"),
}

PHASES: Mapping[str, Said] = {
    Phase.READ: said("reads the members"),
    Phase.RESOLVE: said("finds the contacts of the members"),
    Phase.COMPARE: said("sends what differs"),
    Phase.CHECK: said("looks whether the list was changed meanwhile"),
}

BOUNCES: Mapping[str, Said] = {
    BounceKind.HARD: said("hard bounce"),
    BounceKind.SOFT: said("soft bounce"),
}

TARGETS: Mapping[str, Said] = {
    ImportTarget.NONE: said("nothing"),
    ImportTarget.LEAD: said("leads"),
    ImportTarget.CONTACT: said("contacts"),
    ImportTarget.MEMBERSHIP_ENTRY: said("membership entries"),
}
"""What new subscribers become."""

SPANS: Mapping[str, Said] = {
    Span.SINCE: said("since a day that somebody chose"),
    Span.RECENT: said("since yesterday"),
    Span.ACCOUNT: said("the whole account"),
}

LISTS: Mapping[str, Said] = {"static": said("static list"), "dynamic": said("list by a query")}

ROLES: Mapping[str, Said] = {
    "reader": said("Reader"),
    "operator": said("Operator"),
    "administrator": said("Administrator"),
}

MAILING_KINDS: Mapping[str, Said] = {
    MailingKind.EMAIL: said("E-mail"),
    MailingKind.SMS: said("Text message"),
}

ACTS: Mapping[str, Said] = {
    "sync-person": said("Synchronised a record"),
    "check-receipt": said("Checked a receipt"),
    "replay": said("Tried messages again"),
    "replay-all": said("Tried the messages of all groups again"),
    "discard": said("Discarded messages"),
    "take-side": said("Chose the side of a field"),
    "make-primary": said("Made a record primary"),
    "release": said("Released what was held"),
    "review": said("Decided about a new subscriber"),
    "take-up-job": said("Took up a job"),
    "repeat-job": said("Repeated a job"),
    "sync-list": said("Synchronised a list"),
    "change-comparison": said("Changed the run of Spotler's contacts"),
    "change-mailings": said("Changed the run of mailings"),
    "start-mailings": said("Started the run of mailings"),
    "start-run": said("Started a run"),
    "start-comparison": said("Started the run of Spotler's contacts"),
    "pause-run": said("Paused a run"),
    "resume-run": said("Resumed a run"),
    "stop-run": said("Stopped a run"),
    "roll-back-mapping": said("Rolled the mapping back"),
    "upload-mapping": said("Uploaded a mapping"),
    "look-for-drift": said("Compared both sides with the mapping"),
    "begin-proposal": said("Began a proposal"),
    "change-proposal": said("Changed a row of the proposal"),
    "apply-mapping": said("Made a mapping live"),
    "discard-proposal": said("Discarded the proposal"),
    "test-capabilities": said("Tested capabilities"),
    "look-at-spotler": said("Looked at Spotler"),
    "hold-to-list": said("Set the allow-list"),
    "measure-round-trip": said("Measured the round trip"),
    "begin-forecast": said("Planned everybody"),
    "enter-shadow": said("Went back to shadow"),
    "plan-everybody": said("Planned everybody"),
    "go-live": said("Went live"),
    "view-values": said("Opened values of a person"),
}
"""The acts of the audit log."""
