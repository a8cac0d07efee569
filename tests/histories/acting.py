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
    answer in any order, the rule may always be chosen, and does nothing where it does not apply. In other worlds a
    test that calls it acts in any case.
    """

    def made(method: Callable[..., Any]) -> Any:
        @wraps(method)
        def acts(machine: Any, *given: Any, **drawn: Any) -> Any:
            if machine.world.is_repeatable or applies(machine):
                return method(machine, *given, **drawn)
            return None

        return precondition(lambda machine: applies(machine) or not machine.world.is_repeatable)(
            rule(**arguments)(acts)
        )

    return made
