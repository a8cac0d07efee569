"""Language, appearance, the way of writing times, and the end of a session."""

from shared.console.access.sessions import SESSION
from shared.console.answers import ROLE_NAMES, THEMES
from shared.console.rendering.locale import Times
from shared.console.rendering.words import LANGUAGES, said
from shared.console.web import ROOT, Page, Redirect, Reply, Visit, link

_SECONDS_OF_A_YEAR = 31_536_000


async def you(visit: Visit) -> Reply:
    """Show who is signed in, with which role, and the choice of appearance."""
    values = {
        "title": said("You"),
        "user": visit.user.id,
        "role_text": ROLE_NAMES[visit.user.role],
        "appearances": {"auto": said("As the system"), "light": said("Light"), "dark": said("Dark")},
        "times": {Times.AGO: said("How long ago"), Times.ABSOLUTE: said("Date and time")},
    }
    return Page("pages/you.html", values)


async def choose(visit: Visit) -> Reply:
    """Keep the language, the appearance or the way of writing times in a cookie, and show the same page again."""
    back = visit.given("back")
    to = back if back == ROOT or back.startswith(f"{ROOT}/") else ROOT
    kept = {}
    if visit.given("language") in LANGUAGES:
        kept["console_language"] = visit.given("language")
    if (theme := visit.given("theme")) in {*THEMES, "auto"}:
        kept["console_theme"] = theme
    if visit.given("times") in set(Times):
        kept["console_times"] = visit.given("times")
    return Redirect(to, kept=kept, kept_seconds=_SECONDS_OF_A_YEAR)


async def sign_out(visit: Visit) -> Reply:
    """End the session; App Service ends its own."""
    to = "/.auth/logout" if visit.request.sign_in_is_on else link()
    return Redirect(to, kept={SESSION: ""}, kept_seconds=0)
