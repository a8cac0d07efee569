"""The menu: by what people do, as Dynamics has it."""

from dataclasses import dataclass

from shared.console.rendering.words import Said, said
from shared.console.web import ROOT


@dataclass(frozen=True, slots=True)
class Entry:
    """One page in the menu. `page` is its segment in the address, empty for the overview; `one` that of one thing."""

    page: str
    name: Said
    icon: str
    one: str = ""

    @property
    def to(self) -> str:
        """The address."""
        return f"{ROOT}/{self.page}" if self.page else ROOT


@dataclass(frozen=True, slots=True)
class Group:
    """Entries under one heading."""

    name: str
    entries: tuple[Entry, ...]


MENU = (
    Group("", (Entry("", said("Overview"), "home"), Entry("people", said("People"), "person", "person"))),
    Group(
        said("Action needed"),
        (Entry("decisions", said("Decisions"), "scales"), Entry("problems", said("Problems"), "warning")),
    ),
    Group(
        said("Work"),
        (
            Entry("runs", said("Runs"), "runs", "run"),
            Entry("jobs", said("Jobs"), "jobs"),
            Entry("lists", said("Lists"), "lists", "list"),
            Entry("mailings", said("Mailings"), "mail", "mailing"),
        ),
    ),
    Group(
        said("Set-up"),
        (
            Entry("mapping", said("Mapping"), "mapping"),
            Entry("connection", said("Connection"), "plug"),
            Entry("settings", said("Settings"), "settings"),
            Entry("mode", said("Mode"), "shield"),
        ),
    ),
    Group(said("Proof"), (Entry("checks", said("Checks"), "shield"), Entry("audit", said("Audit log"), "log"))),
)


def entry_of(segment: str) -> Entry | None:
    """Return the entry that a page belongs to, by the first segment of its address; None if it has none."""
    entries = (entry for group in MENU for entry in group.entries)
    return next((entry for entry in entries if segment in {entry.page, entry.one or entry.page}), None)
