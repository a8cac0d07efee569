"""The table of pages and acts: method, address, role, and the name of an act in the audit log."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from shared.console.access.roles import Role
from shared.console.pages import (
    connection,
    decisions,
    forecast,
    mode,
    overview,
    people,
    person,
    preferences,
    proof,
    receipt,
    settings,
)
from shared.console.pages.mapping import proposal as mapping_proposal
from shared.console.pages.mapping import versions as mapping
from shared.console.pages.problems import acts as problem_acts
from shared.console.pages.problems import choice as problem_choice
from shared.console.pages.problems import groups as problems
from shared.console.pages.problems import put_back
from shared.console.pages.work import jobs, lists, mailings, runs
from shared.console.web import Method, Reply, Visit

Handler = Callable[[Visit], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Route:
    """One page or act. `pattern` has `*` for a part of the address that varies.

    `act` is the name in the audit log, empty for a page; a part (`is_part`) is a fragment of a page.
    """

    method: Method
    pattern: str
    handler: Handler
    role: Role = Role.READER
    act: str = ""
    is_part: bool = False

    @property
    def segments(self) -> tuple[str, ...]:
        """The segments of the pattern."""
        return tuple(self.pattern.split("/")) if self.pattern else ()


def _page(pattern: str, handler: Handler, role: Role = Role.READER) -> Route:
    return Route(Method.GET, pattern, handler, role)


def _part(pattern: str, handler: Handler, role: Role = Role.READER) -> Route:
    return Route(Method.GET, pattern, handler, role, is_part=True)


def _act(pattern: str, handler: Handler, role: Role, act: str) -> Route:
    return Route(Method.POST, pattern, handler, role, act)


NOT_IN_SHADOW = frozenset(
    {"release", "review", "sync-list", "look-at-spotler", "start-run", "resume-run", "start-comparison", "take-up-job"}
    | {"take-side", "make-primary", "repeat-job", "change-comparison", "change-mailings"}
    | {"start-mailings", "measure-round-trip"}
)
"""Acts that write to one of the sides by themselves, or start what would; refused in shadow mode."""

ROUTES: tuple[Route, ...] = (
    _page("", overview.overview),
    _part("parts/overview", overview.renewed),
    _part("parts/connections", overview.connections),
    _page("people", people.people),
    _page("bounces.csv", people.bounces),
    Route(Method.POST, "search", people.search),
    _page("person/*/*", person.person),
    _part("person/*/*/explained", person.explained),
    _part("person/*/*/name", person.name),
    _act("person/*/*/sync", person.sync, Role.OPERATOR, "sync-person"),
    _page("person/*/*/receipt", receipt.receipt, Role.ADMINISTRATOR),
    _part("person/*/*/left", receipt.found, Role.ADMINISTRATOR),
    _page("person/*/*/receipt.json", receipt.download, Role.ADMINISTRATOR),
    _act("receipt/check", receipt.check, Role.READER, "check-receipt"),
    _page("problems", problems.problems),
    _page("problems.csv", problems.export),
    Route(Method.POST, "problems/search", problem_choice.search),
    _part("parts/put-back", put_back.renewed),
    _page("problems/again", problem_acts.confirm_replay_all, Role.OPERATOR),
    _act("problems/again", problem_acts.replay_all, Role.OPERATOR, "replay-all"),
    _page("problems/*/again", problem_acts.confirm_replay, Role.OPERATOR),
    _act("problems/*/again", problem_acts.replay, Role.OPERATOR, "replay"),
    _page("problems/*/discard", problem_acts.confirm_discard, Role.ADMINISTRATOR),
    _act("problems/*/discard", problem_acts.discard, Role.ADMINISTRATOR, "discard"),
    _page("decisions", decisions.decisions),
    _part("parts/fields", decisions.fields),
    _part("parts/duplicates", decisions.duplicates),
    _act("person/*/*/side", decisions.take_side, Role.ADMINISTRATOR, "take-side"),
    _act("person/*/*/primary", decisions.make_primary, Role.ADMINISTRATOR, "make-primary"),
    _act("decisions/*/release", decisions.release, Role.ADMINISTRATOR, "release"),
    _act("decisions/*/review", decisions.decide, Role.ADMINISTRATOR, "review"),
    _page("jobs", jobs.jobs),
    _part("parts/jobs", jobs.rows),
    _act("jobs/*/take-up", jobs.take_up, Role.OPERATOR, "take-up-job"),
    _act("jobs/*/repeat", jobs.repeat, Role.OPERATOR, "repeat-job"),
    _page("lists", lists.lists),
    _part("parts/lists", lists.rows),
    _page("list/*", lists.one_list),
    _part("list/*/judged", lists.judged),
    _page("list/*/left-out.csv", lists.left_out),
    _act("list/*/sync", lists.sync, Role.OPERATOR, "sync-list"),
    _page("mailings", mailings.mailings),
    _page("mailings.csv", mailings.export),
    _act("runs/from-spotler/*", runs.change_from_spotler, Role.OPERATOR, "change-comparison"),
    _act("runs/mailings/*", runs.change_mailings, Role.OPERATOR, "change-mailings"),
    _page("mailing/*", mailings.one_mailing),
    _page("mailing/*/over-time.csv", mailings.over_time),
    _page("mailing/*/links.csv", mailings.clicked_links),
    _act("runs/mailings", mailings.start, Role.OPERATOR, "start-mailings"),
    _part("runs/mailings/prepared", mailings.prepared),
    _part("runs/from-spotler/prepared", runs.from_spotler_prepared),
    _page("runs", runs.runs),
    _page("runs/*/prepare", runs.prepare),
    _part("runs/*/prepared", runs.prepared),
    _act("runs/*/start", runs.start, Role.OPERATOR, "start-run"),
    _act("runs/from-spotler", runs.start_from_spotler, Role.ADMINISTRATOR, "start-comparison"),
    _page("run/*", runs.run),
    _part("run/*/progress", runs.progress),
    _act("run/*/pause", runs.pause, Role.OPERATOR, "pause-run"),
    _act("run/*/resume", runs.resume, Role.OPERATOR, "resume-run"),
    _page("run/*/stop", runs.confirm_stop, Role.OPERATOR),
    _act("run/*/stop", runs.stop, Role.OPERATOR, "stop-run"),
    _page("run/*/not-passed-on.csv", runs.export),
    _page("mapping", mapping.mapping),
    _page("mapping/history", mapping.history),
    _page("mapping/version/*", mapping.version),
    _act("mapping/version/*", mapping.roll_back, Role.ADMINISTRATOR, "roll-back-mapping"),
    _page("mapping/file/*", mapping.file),
    _act("mapping/file", mapping.upload, Role.ADMINISTRATOR, "upload-mapping"),
    _page("mapping/drift", mapping.drift),
    _act("mapping/drift", mapping.look_for_drift, Role.OPERATOR, "look-for-drift"),
    _page("mapping/proposal", mapping_proposal.proposal),
    _act("mapping/proposal", mapping_proposal.begin, Role.ADMINISTRATOR, "begin-proposal"),
    _page("mapping/proposal/row/*", mapping_proposal.row, Role.ADMINISTRATOR),
    _act("mapping/proposal/row/*", mapping_proposal.save_row, Role.ADMINISTRATOR, "change-proposal"),
    _page("mapping/proposal/preview", mapping_proposal.preview),
    _part("mapping/proposal/effect", mapping_proposal.effect),
    _part("mapping/proposal/names", mapping_proposal.names),
    _act("mapping/proposal/apply", mapping_proposal.apply, Role.ADMINISTRATOR, "apply-mapping"),
    _act("mapping/proposal/discard", mapping_proposal.discard, Role.ADMINISTRATOR, "discard-proposal"),
    _page("connection", connection.connection),
    _part("parts/connection", connection.checked),
    _act("connection/capabilities", connection.test_capabilities, Role.OPERATOR, "test-capabilities"),
    _act("connection/look", connection.look_now, Role.OPERATOR, "look-at-spotler"),
    _page("mode", mode.mode),
    _act("mode/allow-list", mode.hold_to_list, Role.ADMINISTRATOR, "hold-to-list"),
    _part("forecast/*", forecast.progress),
    _act("checks/round-trip", proof.measure, Role.OPERATOR, "measure-round-trip"),
    _act("forecast/*/begin", forecast.begin, Role.OPERATOR, "begin-forecast"),
    _act("mode/shadow", mode.enter_shadow, Role.ADMINISTRATOR, "enter-shadow"),
    _act("mode/plan", mode.plan_everybody, Role.OPERATOR, "plan-everybody"),
    _act("mode/live", mode.go_live, Role.ADMINISTRATOR, "go-live"),
    _page("settings", settings.settings),
    _page("checks", proof.checks),
    _page("audit", proof.audit),
    _page("audit.csv", proof.audit_csv),
    Route(Method.POST, "preferences", preferences.choose),
    _page("you", preferences.you),
    Route(Method.POST, "sign-out", preferences.sign_out),
)
"""Acts have a name in the audit log; searches and preferences change nothing and have none."""


def match(method: Method, path: tuple[str, ...]) -> tuple[Route, tuple[str, ...]] | None:
    """Return the route of an address with the parts that vary; None if there is none."""
    for route in ROUTES:
        if route.method is method and len(route.segments) == len(path):
            pairs = list(zip(route.segments, path, strict=True))
            if all(segment in {"*", part} for segment, part in pairs):
                return route, tuple(part for segment, part in pairs if segment == "*")
    return None
