"""How rules say when they apply."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from hypothesis.stateful import precondition, rule
from hypothesis.strategies import SearchStrategy


def act(applies: Callable[[Any], object], **arguments: SearchStrategy[Any]) -> Callable[[Callable[..., Any]], Any]:
    """Make a rule of a method that is chosen where it applies.

    Hypothesis ends with an error where the same choices find other rules to choose from. So in a world whose services
    answer in any order, the rule is always chosen, and does nothing where it does not apply.
    """

    def made(method: Callable[..., Any]) -> Any:
        @wraps(method)
        def acts(machine: Any, *given: Any, **drawn: Any) -> Any:
            return method(machine, *given, **drawn) if applies(machine) else None

        return precondition(lambda machine: applies(machine) or not machine.world.is_repeatable)(
            rule(**arguments)(acts)
        )

    return made
