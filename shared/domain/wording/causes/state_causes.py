"""Why a queue, the state of the connector or its keys gave an error; `errors.py` has the frequent causes."""

from shared.domain.wording.phrase import Wording


class StateCause(Wording):
    """The cause of an error of queues, of fingerprint keys, or of documents that others change."""

    MESSAGE_LARGE = "the message is too large for the queue"
    KEY_EXCHANGED = (
        "FINGERPRINT_KEY is not the key that this state store knows. Put the key back; to change it, put the former "
        "one in FINGERPRINT_KEY_PREVIOUS (docs/howto/fingerprint-key.md). With another key nobody's refusal would be "
        "found"
    )
    KEY_FORMER = "FINGERPRINT_KEY is a former key: set the current one, and restart the app"
    KEY_UNFINISHED = (
        "FINGERPRINT_KEY was changed again before the last change had ended: put the last key back, and run python -m "
        "shared rekey"
    )
    KEY_ONCE_MORE = "the fingerprint key was changed once more"
    KEY_REGISTER = "the register of fingerprint keys is being changed"
    KEY_UNKNOWN = "a fingerprint has version %(version)s, of which no key is known"
    KEY_OTHER = "a fingerprint does not belong to its key"
    KEYS_DAMAGED = "The former fingerprint keys in the state store were damaged: restore the table from a backup"
    KEY_FILE = "fingerprint.key cannot be read or written: %(problem)s"
    KEY_FILE_EMPTY = "fingerprint.key is empty: restore it, or delete it if nothing was synchronised yet"
    RECOVER_FIRST = "the state was restored: run python -m shared state recover before anything is written"
    DOCUMENT_CHANGES = "a document is being changed by others"
    MEASUREMENTS_CHANGE = "the measurements are being written by others"
    BOUNCES_CHANGE = "notes of bounces are being changed by others"
    CONSENT_CHANGES = "the consent of an erased record is being changed by others"
    WALK_CHANGES = "the walk is being noted by others"
    CLICKS_CHANGE = "the clicks of a mailing are being changed by others"
    TALLY_CHANGES = "the tally of a mailing is being changed by others"
    REFUSALS_CHANGE = "the suppression list is being changed by others"
    NIGHT_CHANGES = "the night is being noted by others"
    COUNTS_CHANGE = "the counts are being added to"
    INTERACTIONS_CHANGE = "the interactions of a person are being changed by others"
    INTERACTIONS_READ = "another worker reads the interactions"
    BRAKE_CHANGES = "the count of mass changes is being changed by others"
    LIST_CHANGES = "another worker has changed the state of the list"
    ERASURE_CHANGES = "documents about the record are being changed by others"
    COMPARISON_TAKEN = "another worker continues the comparison"
    POLL_TAKEN = "another poll has moved the cursor meanwhile; the next poll continues there"
    LINK_USED = "the link is being used by somebody else"
    NO_SUCH_RUN = "There is no such run"
    NO_REVIEW = "There is no review with this id"
