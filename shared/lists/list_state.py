"""What is remembered of a list: what it is in Spotler, which synchronisation runs, how the last ones went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.domain.features.lists import ListKind, ListRules, MemberCounts
from shared.domain.records.records import PersonTable
from shared.ports.state import Document

_HISTORY = 10

NOTHING = "nothing"
"""A generation without notes: what an empty list has."""


@dataclass(frozen=True, slots=True)
class ListRun:
    """A synchronisation under way. `jobs` are told how it ends.

    `step` is the number of the step that is next; `buckets` into how many parts its members are split; `is_sending`
    says that Spotler may have some of it already; `resets` counts how often Spotler's list was emptied, so that sending
    begins anew.
    """

    id: str
    generation: str
    rules: ListRules
    jobs: tuple[UUID, ...]
    started_on: datetime
    alive_on: datetime
    correlation: str = ""
    step: int = 0
    phase: str = ""
    buckets: int = 1
    is_sending: bool = False
    resets: int = 0
    members: int = 0
    done: int = 0


@dataclass(frozen=True, slots=True)
class RunSummary:
    """How a synchronisation ended. `code` is `OK`, or why it failed; the list was like this at `taken_at`."""

    ended_on: datetime
    code: str
    taken_at: datetime | None = None
    tally: MemberCounts = field(default_factory=MemberCounts)


@dataclass(frozen=True, slots=True)
class ListState:
    """One list. `generations` are the notes of what is in Spotler's list, each with its number of buckets.

    There is one after a synchronisation that ended well, there are several after one that broke off while sending, and
    None means that nobody knows. `is_listed`: a synchronisation ended well and the list is there since.
    """

    id: UUID
    table: PersonTable
    is_dynamic: bool
    kind: ListKind
    spotler_id: str
    name: str
    rules: ListRules = field(default_factory=ListRules)
    is_listed: bool = False
    generations: Mapping[str, int] | None = field(default_factory=dict)
    run: ListRun | None = None
    waiting: tuple[UUID, ...] = ()
    """Jobs that came while a synchronisation was under way: they want the list as it is now."""
    obsolete: tuple[str, ...] = ()
    """Generations whose notes may be forgotten; those of the last end stay here in case the message was lost."""
    history: tuple[RunSummary, ...] = ()
    etag: str = ""

    def ended(self, past: RunSummary, **changes: Any) -> ListState:
        """Return the memo after a synchronisation."""
        return replace(self, run=None, history=(past, *self.history)[:_HISTORY], **changes)

    def doubting(self, run: ListRun) -> dict[str, int] | None:
        """Return what is known once a synchronisation has broken off: what it has sent may be there, or not."""
        if self.generations is None or not run.is_sending:
            return None if self.generations is None else dict(self.generations)
        return {**(self.generations or {NOTHING: 1}), run.generation: run.buckets}

    @property
    def noted_in(self) -> dict[str, int]:
        """All generations that a change of a single member must be noted in."""
        known = dict(self.generations or {})
        return known | ({self.run.generation: self.run.buckets} if self.run else {})


def state_body(state: ListState) -> dict[str, Any]:
    """Write it down: ids, numbers, times, and the name of the list, which names no person."""
    return {
        "table": state.table,
        "dynamic": state.is_dynamic,
        "kind": state.kind,
        "spotler": state.spotler_id,
        "name": state.name,
        "rules": _rules_body(state.rules),
        "listed": state.is_listed,
        "generations": None if state.generations is None else dict(state.generations),
        "run": _run_body(state.run) if state.run else None,
        "waiting": [str(job) for job in state.waiting],
        "obsolete": list(state.obsolete),
        "history": [_past_body(past) for past in state.history],
    }


def read_state(identifier: UUID, document: Document) -> ListState:
    """Read what `state_body` wrote."""
    body = document.body
    return ListState(
        id=identifier,
        table=PersonTable(body["table"]),
        is_dynamic=body["dynamic"],
        kind=ListKind(body["kind"]),
        spotler_id=body["spotler"],
        name=body["name"],
        rules=_rules(body["rules"]),
        is_listed=body["listed"],
        generations=body["generations"],
        run=_run(body["run"]) if body["run"] else None,
        waiting=tuple(UUID(job) for job in body["waiting"]),
        obsolete=tuple(body["obsolete"]),
        history=tuple(_past(past) for past in body["history"]),
        etag=document.etag,
    )


def _rules_body(rules: ListRules) -> dict[str, bool]:
    return {"optedOut": rules.exclude_opted_out, "inactive": rules.ignore_inactive}


def _rules(body: Mapping[str, bool]) -> ListRules:
    return ListRules(exclude_opted_out=body["optedOut"], ignore_inactive=body["inactive"])


def _run_body(run: ListRun) -> dict[str, Any]:
    return {
        "id": run.id,
        "generation": run.generation,
        "rules": _rules_body(run.rules),
        "jobs": [str(job) for job in run.jobs],
        "startedOn": run.started_on.isoformat(),
        "aliveOn": run.alive_on.isoformat(),
        "correlation": run.correlation,
        "step": run.step,
        "phase": run.phase,
        "buckets": run.buckets,
        "sending": run.is_sending,
        "resets": run.resets,
        "members": run.members,
        "done": run.done,
    }


def _run(body: Mapping[str, Any]) -> ListRun:
    return ListRun(
        id=body["id"],
        generation=body["generation"],
        rules=_rules(body["rules"]),
        jobs=tuple(UUID(job) for job in body["jobs"]),
        started_on=datetime.fromisoformat(body["startedOn"]),
        alive_on=datetime.fromisoformat(body["aliveOn"]),
        correlation=body["correlation"],
        step=body["step"],
        phase=body["phase"],
        buckets=body["buckets"],
        is_sending=body["sending"],
        resets=body["resets"],
        members=body["members"],
        done=body["done"],
    )


def _past_body(past: RunSummary) -> dict[str, Any]:
    tally = past.tally
    return {
        "endedOn": past.ended_on.isoformat(),
        "code": past.code,
        "takenAt": past.taken_at.isoformat() if past.taken_at else None,
        "sent": tally.sent,
        "added": tally.added,
        "removed": tally.removed,
        "skipped": dict(tally.skipped),
        "failed": dict(tally.failed),
    }


def _past(body: Mapping[str, Any]) -> RunSummary:
    return RunSummary(
        ended_on=datetime.fromisoformat(body["endedOn"]),
        code=body["code"],
        taken_at=datetime.fromisoformat(body["takenAt"]) if body["takenAt"] else None,
        tally=MemberCounts(body["sent"], body["added"], body["removed"], body["skipped"], body["failed"]),
    )
