"""Plans the installation: what is created, changed, left or deleted, and why. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from shared.installation.components.kind import ComponentKind, Kind
from shared.installation.organisation.organisation import Organisation


class Action(StrEnum):
    """What a step does with a component."""

    CREATE = "create"
    CHANGE = "change"
    LEAVE = "leave"
    DELETE = "delete"


AS_IT_SHOULD_BE = "as it should be"


@dataclass(frozen=True, slots=True)
class Step:
    """One component and what is done with it. `wanted` and `found` belong to its kind; `found` is None if absent."""

    action: Action
    kind: Kind
    name: str
    reason: str
    wanted: Any = field(repr=False)
    found: Any = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Survey:
    """The components of one kind, as they should be and as they were found (by name)."""

    kind: ComponentKind[Any, Any]
    wanted: Sequence[Any]
    found: Mapping[str, Any]


def installation(surveys: Iterable[Survey], organisation: Organisation) -> list[Step]:
    """Plan what makes the organisation equal to the desired state, in the order of work."""
    return [_step(survey, wanted, organisation) for survey in surveys for wanted in survey.wanted]


def _step(survey: Survey, wanted: Any, organisation: Organisation) -> Step:
    kind, found = survey.kind, survey.found.get(wanted.name)
    if found is None:
        return Step(Action.CREATE, kind.kind, wanted.name, "missing", wanted)
    if differences := kind.differences(wanted, found, organisation):
        return Step(Action.CHANGE, kind.kind, wanted.name, "; ".join(differences), wanted, found)
    return Step(Action.LEAVE, kind.kind, wanted.name, kind.remark(found) or AS_IT_SHOULD_BE, wanted, found)


def removal(surveys: Sequence[Survey], *, delete_data: bool) -> list[Step]:
    """Plan what takes the connector out again, in the opposite order; data stays unless `delete_data`."""
    return [
        _removal(survey, wanted, delete_data=delete_data)
        for survey in reversed(surveys)
        for wanted in reversed(survey.wanted)
        if wanted.name in survey.found
        and not survey.kind.goes_along(wanted)
        and not survey.kind.is_removed(survey.found[wanted.name])
    ]


def _removal(survey: Survey, wanted: Any, *, delete_data: bool) -> Step:
    kind, found = survey.kind, survey.found[wanted.name]
    if kind.holds_data and not delete_data:
        return Step(Action.LEAVE, kind.kind, wanted.name, "holds data; --delete-data removes it", wanted, found)
    return Step(Action.DELETE, kind.kind, wanted.name, "belongs to the connector", wanted, found)


def remarks(steps: Iterable[Step]) -> list[Step]:
    """Return the steps of an installation that leave a component, and whose reason people should know."""
    return [step for step in steps if step.action is Action.LEAVE and step.reason != AS_IT_SHOULD_BE]


def writes(steps: Iterable[Step]) -> list[Step]:
    """Return the steps that write."""
    return [step for step in steps if step.action is not Action.LEAVE]
