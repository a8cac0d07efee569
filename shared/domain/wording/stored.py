"""Templates and values of phrases in stored documents, beside their English text.

    {"text": "city has no option 3: …", "wording": "FindingText.UNKNOWN_CHOICES", "values": {"column": "city", …}}

The text is for versions of the connector that do not know the template.
"""

import json
from collections.abc import Mapping
from typing import Any

from shared.domain.wording.causes.dataverse_causes import DataverseCause
from shared.domain.wording.causes.spotler_causes import SpotlerCause
from shared.domain.wording.causes.state_causes import StateCause
from shared.domain.wording.causes.work_causes import WorkCause
from shared.domain.wording.defects import DocumentDefect, FileDefect, QueryRule, SchemaDefect, Syntax, YamlDefect
from shared.domain.wording.errors import ErrorText
from shared.domain.wording.expectations import DisputeText, Expectation, LossText, ProblemText, UnreadText
from shared.domain.wording.findings import DriftText, FilterCure, FindingText, GapText, PairText
from shared.domain.wording.letters import EventText, LetterText, QueueText
from shared.domain.wording.phrase import Joined, Part, Phrase, Wording
from shared.domain.wording.reasons import ReasonText
from shared.domain.wording.refused_acts import ChoiceRefusal, ListRefusal, MappingRefusal, RunRefusal
from shared.domain.wording.versions import VersionComment

WORDINGS: tuple[type[Wording], ...] = (
    ChoiceRefusal,
    DataverseCause,
    DisputeText,
    DocumentDefect,
    DriftText,
    ErrorText,
    EventText,
    Expectation,
    FileDefect,
    FilterCure,
    FindingText,
    GapText,
    Joined,
    LetterText,
    ListRefusal,
    LossText,
    MappingRefusal,
    PairText,
    ProblemText,
    QueryRule,
    QueueText,
    ReasonText,
    RunRefusal,
    SchemaDefect,
    SpotlerCause,
    StateCause,
    Syntax,
    UnreadText,
    WorkCause,
    VersionComment,
    YamlDefect,
)
"""All templates."""

_LONGEST_JSON = 8_000
"""Characters: a message of Service Bus has 64 KB for all its properties."""


def code_of(wording: Wording) -> str:
    """Return the code of a template, such as `FindingText.CIRCLE`."""
    return f"{type(wording).__name__}.{wording.name}"


_BY_CODE = {code_of(one): one for kind in WORDINGS for one in kind}


def template_data(phrase: Phrase) -> dict[str, Any]:
    """Return template and values of a phrase as plain data for JSON; empty without a template."""
    if phrase.wording is None:
        return {}
    return {
        "wording": code_of(phrase.wording),
        "values": {name: _part_data(part) for name, part in phrase.values.items()},
    }


def from_data(text: str, data: Mapping[str, Any]) -> Phrase:
    """Read a phrase; one whose template is unknown, or was stored without it, keeps its English text alone."""
    wording = _BY_CODE.get(data.get("wording", ""))
    if wording is None:
        return Phrase.untranslated(text)
    try:
        return wording(**{name: _part(part) for name, part in data["values"].items()})
    except KeyError:  # the template has other values now
        return Phrase.untranslated(text)


def to_json(text: str) -> str:
    """Return template and values of a phrase as JSON; "" for a text without a template, and for a very long one."""
    data = template_data(text) if isinstance(text, Phrase) else {}
    stored = json.dumps(data) if data else ""
    return stored if len(stored) <= _LONGEST_JSON else ""


def from_json(text: str, stored: str) -> Phrase:
    """Read what `to_json` wrote of a text; another text keeps its English alone."""
    try:
        data = json.loads(stored) if stored else {}
    except ValueError:
        data = {}
    return from_data(text, data if isinstance(data, dict) else {})


def _part_data(part: Part) -> Any:
    match part:
        case Phrase():
            return {"text": str(part), **template_data(part)}
        case tuple():
            return [_part_data(one) for one in part]
        case _:
            return part


def _part(data: Any) -> Any:
    match data:
        case {"text": str(text)}:
            return from_data(text, data)
        case list():
            return tuple(map(_part, data))
        case _:
            return data
