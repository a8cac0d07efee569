"""How an installation gets on is told for people at a terminal, and for logs."""

from __future__ import annotations

from io import StringIO

import pytest

from shared.installation.components.kind import Kind
from shared.installation.plan import Action, Step
from shared.installation.wire.publication import of_table
from shared.local.commands.provisioning.progress import Progress


class Terminal(StringIO):
    """A stream that a person looks at."""

    def isatty(self) -> bool:
        return True


STEPS = [
    Step(Action.CREATE, Kind.VIEW, "contact", "missing", None),
    Step(Action.CREATE, Kind.VIEW, "lead", "missing", None),
    Step(Action.CHANGE, Kind.TAB, "contact", "the tab differs", None),
]


def test_an_error_begins_on_a_line_of_its_own() -> None:
    with Progress(STEPS, out := Terminal()) as progress:
        progress(STEPS[0])

    assert out.getvalue().endswith("[1/3] create view 1 of 2\n")


@pytest.mark.parametrize(
    ("out", "lines"),
    [
        (
            StringIO(),
            ["[1/3] create view contact", "[2/3] create view lead", "[3/3] change tab contact"],
        ),
        (Terminal(), ["[2/3] create view 2 of 2", "[3/3] change tab 1 of 1"]),
    ],
)
def test_a_log_has_every_step_and_a_terminal_every_kind(out: StringIO, lines: list[str]) -> None:
    progress = Progress(STEPS, out)
    for step in STEPS:
        progress(step)
    progress(of_table("contact"))

    *told, publication = [line.rpartition("\r\x1b[K")[2] for line in out.getvalue().removesuffix("\n").split("\n")]
    assert told == lines
    assert publication.startswith("[3/3] publish 1 tables")
