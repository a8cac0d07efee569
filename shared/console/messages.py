"""What errors and reasons mean to people: why, what to do, who acts, when it is tried again (principle 2)."""

from http import HTTPStatus

from shared.console.rendering.words import said
from shared.console.web import Page
from shared.domain.wording.errors import cause_of
from shared.errors import ConnectorError

_CURES = {
    "configure": said("An administrator must correct the access or the configuration that the text names."),
    "wait": said("The other side asked for a pause. Try again in a few minutes."),
    "retry": said("The other side does not answer. Try again in a few minutes."),
    "correct": said("Correct what the text names, then try again."),
    "reread": said("Somebody else was faster. Load the page again."),
    "look": said("Look whether it happened before you repeat it."),
}


def recovery_of(error: ConnectorError) -> dict[str, str]:
    """Return cause and cure of an error; both are free of personal data."""
    return {"cause": cause_of(error), "cure": _CURES.get(error.recovery, _CURES["look"])}


def failed(error: ConnectorError) -> Page:
    """Return the page that says why another one cannot be shown."""
    title = said("This cannot be shown now")
    return Page("failed.html", {"title": title, **recovery_of(error)}, HTTPStatus.SERVICE_UNAVAILABLE)
