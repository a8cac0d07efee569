"""Applies a bundle to an environment, part by part; what is equal already is left alone, so that it can be repeated."""

from collections.abc import Callable
from dataclasses import replace
from enum import Enum, auto

from shared.administration.mapping_service import MappingChange
from shared.local.bundles.bundle import Bundle
from shared.local.bundles.environments import RunningEnvironment


class Promotion(Enum):
    """How an import ended."""

    DONE = auto()
    REFUSED = auto()


async def promote(
    bundle: Bundle, current: Bundle, target: RunningEnvironment, change: MappingChange, say: Callable[[str], None]
) -> Promotion:
    """Apply what differs from `current`. A refused mapping stops the import before anything else is changed."""
    if bundle.mapping != current.mapping:
        former = current.history[0].number if current.history else 0
        result = await target.apply_mapping(bundle.mapping, replace(change, base=former or None))
        for line in result.lines:
            say(line)
        if not result.version:
            return Promotion.REFUSED
        say(f"Version {result.version} of the mapping is live; a rollback to version {former} goes back")
    if bundle.settings != current.settings:
        changed = {name: value for name, value in bundle.settings.items() if current.settings.get(name) != value}
        say(await target.apply_settings(changed, frozenset(current.settings.keys() - bundle.settings.keys())))
    if bundle.defaults != current.defaults:
        say(await target.apply_defaults(bundle.defaults))
    return Promotion.DONE
