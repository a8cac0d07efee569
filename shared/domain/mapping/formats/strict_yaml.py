"""Reads YAML as plain data: lists, keys and texts. Where libyaml is there, its scanner does the slow part.

Strict: no aliases (a small text could blow up to gigabytes), no key twice, no deep nesting. `NO` is a country and never
false.
"""

import re
from functools import reduce
from typing import Any

import yaml
from yaml.composer import Composer

from shared.domain.wording.defects import YamlDefect
from shared.domain.wording.phrase import Phrase, PhraseError

DEEPEST = 20
"""Levels; a mapping has four."""

_NULL = "tag:yaml.org,2002:null"
_NOTHING = re.compile(r"(?:~|null|)\Z")


class NotYamlError(PhraseError):
    """The text is no YAML of the allowed kind; the message has the position."""


def load(text: str, *, with_libyaml: bool = True) -> Any:
    """Read one document. `with_libyaml` False takes the scanner that every installation has. NotYamlError."""
    loader = _QuickLoader if with_libyaml else _Loader
    try:
        return loader(text).get_single_data()
    except (yaml.YAMLError, RecursionError, UnicodeError) as problem:
        raise NotYamlError(_told(problem)) from None


def _told(problem: Exception) -> Phrase:
    """Return `str(problem)` as a phrase: the scanner's own words, and its places with their lines and columns."""
    text = Phrase.untranslated(str(problem))
    if not isinstance(problem, yaml.MarkedYAMLError):
        return text
    lines = (problem.context, problem.context_mark, problem.problem, problem.problem_mark, problem.note)
    parts = [
        one if isinstance(one, Phrase) else Phrase.untranslated(one) if isinstance(one, str) else _place(one)
        for one in lines
        if one is not None and str(one) in text
    ]
    joined = reduce(lambda one, other: YamlDefect.THEN(one=one, other=other), parts) if parts else text
    return joined if joined == text else text  # PyYAML leaves out a place that it tells twice


def _place(mark: Any) -> Phrase:
    place = {"name": str(mark.name), "line": str(mark.line + 1), "column": str(mark.column + 1)}
    plain = YamlDefect.PLACE(**place)
    return plain if str(mark) == plain else YamlDefect.PLACE_IN_TEXT(**place, snippet=mark.get_snippet())


class _Strict(Composer):
    """Composes nodes of events, and refuses nodes that are not plain."""

    _depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        mark = self.peek_event().start_mark  # type: ignore[attr-defined]  # of the scanner
        if self.check_event(yaml.AliasEvent):  # type: ignore[attr-defined]
            raise yaml.MarkedYAMLError(problem=YamlDefect.ALIASES(), problem_mark=mark)
        self._depth += 1
        if self._depth > DEEPEST:
            raise yaml.MarkedYAMLError(problem=YamlDefect.NESTING(most=DEEPEST), problem_mark=mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value in seen:
                raise yaml.MarkedYAMLError(problem=YamlDefect.KEY_TWICE(), problem_mark=key.start_mark)
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
