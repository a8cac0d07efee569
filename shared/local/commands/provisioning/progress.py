"""Tells how an installation gets on: a line for each step, or on a terminal one line for each kind of component."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Self, TextIO

from shared.installation.plan import Step
from shared.installation.wire.publication import Publication

_REWRITE = "\r\x1b[K"  # back to the beginning of the line, and empty it


class Progress:
    """Writes what has been done of `steps`, as it is done."""

    def __init__(self, steps: Sequence[Step], out: TextIO) -> None:
        """A terminal gets a line for each kind, which counts up; a file gets a line for each step."""
        self._total = len(steps)
        self._of_kind = Counter((step.kind, step.action) for step in steps)
        self._done = 0
        self._done_of_kind: Counter[tuple[str, str]] = Counter()
        self._out = out
        self._is_terminal = out.isatty()
        self._is_line_open = False

    def __enter__(self) -> Self:
        """Begin to tell."""
        return self

    def __exit__(self, *_: object) -> None:
        """End a line that an error left open."""
        if self._is_line_open:
            self._write("\n")

    def __call__(self, what: Step | Publication) -> None:
        """Tell of a step that was done, or of a publication that begins."""
        match what:
            case Step():
                self._done += 1
                self._tell_step(what)
            case _:
                self._write(f"{self._place} publish {len(what)} tables, scripts and pages, which may take a minute\n")

    def _tell_step(self, step: Step) -> None:
        if not self._is_terminal:
            self._write(f"{self._place} {step.action} {step.kind} {step.name}\n")
            return
        group = (step.kind, step.action)
        self._done_of_kind[group] += 1
        done, of_all = self._done_of_kind[group], self._of_kind[group]
        self._is_line_open = done < of_all
        end = "" if self._is_line_open else "\n"
        self._write(f"{_REWRITE}{self._place} {step.action} {step.kind} {done} of {of_all}{end}")

    @property
    def _place(self) -> str:
        return f"[{self._done}/{self._total}]"

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
