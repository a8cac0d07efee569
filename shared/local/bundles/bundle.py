"""A bundle: what is carried from one environment to another. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import unified_diff

import yaml


@dataclass(frozen=True, slots=True)
class PastVersion:
    """A version of the mapping that was live; only read, never carried: each environment has a history of its own."""

    number: int
    at: str
    by: str
    comment: str
    text: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """The live mapping as YAML, the settings of the carried names, the defaults of Dataverse, by name.

    A setting that has its default is not in it. `history` is newest first.
    """

    mapping: str
    settings: Mapping[str, str]
    defaults: Mapping[str, str]
    history: tuple[PastVersion, ...] = field(default=(), compare=False)


def document(values: Mapping[str, str]) -> str:
    """Return names and values as YAML, one to a line, sorted: a change is a change of its lines."""
    return "".join(yaml.safe_dump({name: values[name]}, width=10_000, allow_unicode=True) for name in sorted(values))


def parts(bundle: Bundle) -> dict[str, str]:
    """Return the text of each part that is carried, by the name of its file."""
    return {
        "mapping.yaml": bundle.mapping,
        "settings.yaml": document(bundle.settings),
        "defaults.yaml": document(bundle.defaults),
    }


def difference(old: Bundle, new: Bundle, old_name: str, new_name: str) -> list[str]:
    """Return the lines of a unified diff from `old` to `new`, part by part; none if both carry the same."""
    before, after = parts(old), parts(new)
    return [
        line
        for name in before
        for line in unified_diff(
            before[name].splitlines(), after[name].splitlines(), f"{old_name}/{name}", f"{new_name}/{name}", lineterm=""
        )
    ]
