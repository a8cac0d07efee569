"""Reads YAML as plain data: lists, keys and texts. Where libyaml is there, its scanner does the slow part.

Strict: no aliases (a small text could blow up to gigabytes), no key twice, no deep nesting. `NO` is a country and never
false.
"""

import re
from typing import Any

import yaml
from yaml.composer import Composer

DEEPEST = 20
"""Levels; a mapping has four."""

_NULL = "tag:yaml.org,2002:null"
_NOTHING = re.compile(r"(?:~|null|)\Z")


class NotYamlError(ValueError):
    """The text is no YAML of the allowed kind; the message has the position."""


def load(text: str, *, with_libyaml: bool = True) -> Any:
    """Read one document. `with_libyaml` False takes the scanner that every installation has. NotYamlError."""
    loader = _QuickLoader if with_libyaml else _Loader
    try:
        return loader(text).get_single_data()
    except (yaml.YAMLError, RecursionError, UnicodeError) as problem:
        raise NotYamlError(str(problem)) from None


class _Strict(Composer):
    """Composes nodes of events, and refuses nodes that are not plain."""

    _depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        mark = self.peek_event().start_mark  # type: ignore[attr-defined]  # of the scanner
        if self.check_event(yaml.AliasEvent):  # type: ignore[attr-defined]
            raise yaml.MarkedYAMLError(problem="aliases (*) are not allowed", problem_mark=mark)
        self._depth += 1
        if self._depth > DEEPEST:
            raise yaml.MarkedYAMLError(problem=f"it is nested deeper than {DEEPEST} levels", problem_mark=mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value in seen:
                raise yaml.MarkedYAMLError(problem="a key twice, or none", problem_mark=key.start_mark)
            seen.add(key.value)
        return node


class _Loader(_Strict, yaml.BaseLoader):
    """Scans in Python: a hundred times slower, and everywhere."""


_BASE: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class _QuickLoader(_Strict, _BASE):  # type: ignore[misc]  # whichever is there
    """Scans in libyaml, if PyYAML was built with it."""

    def __init__(self, text: str) -> None:
        _BASE.__init__(self, text)
        Composer.__init__(self)  # libyaml's own composer has no limits and is not used


for _loader in (_Loader, _QuickLoader):
    _loader.add_implicit_resolver(_NULL, _NOTHING, ["~", "n", ""])  # an empty cell has no value
    _loader.add_constructor(_NULL, lambda _loader, _node: None)
