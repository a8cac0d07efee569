"""Route templates of HTTP functions: which function answers a path.

The grammar is that of ASP.NET Core as far as Azure Functions documents it: `records/{table}/{id:guid?}`, `{*rest}`.
https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook-trigger#customize-the-http-endpoint
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from shared.errors import ConfigurationError

_PARAMETER = re.compile(r"\{(?P<rest>\*{0,2})(?P<name>\w+)(?::(?P<constraint>\w+))?(?P<optional>\?)?\}")
_CONSTRAINTS = {
    None: r"[^/]+",
    "alpha": r"[A-Za-z]+",
    "bool": r"true|false",
    "guid": r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "int": r"-?\d+",
    "long": r"-?\d+",
}


@dataclass(frozen=True, slots=True)
class Route:
    """A compiled template. Of two routes that match, the one with the lesser `rank` wins."""

    pattern: re.Pattern[str]
    rank: tuple[int, ...]

    def match(self, path: str) -> Mapping[str, str] | None:
        """Return the parameters found in `path` (no leading slash, decoded), or None if the path is another's."""
        match = self.pattern.fullmatch(path.strip("/"))
        return None if match is None else {name: value for name, value in match.groupdict().items() if value}


def compile_route(template: str) -> Route:
    """Read a template; ConfigurationError for what this host does not understand."""
    pattern = ""
    rank = []
    segments = [segment for segment in template.strip("/").split("/") if segment]
    for position, segment in enumerate(segments):
        slash = "/" if position else ""
        match = _PARAMETER.fullmatch(segment)
        if match is None:
            piece, weight = slash + _mixed(segment, template), 0 if "{" not in segment else 1
        elif match["rest"]:
            piece, weight = f"(?:{slash}(?P<{match['name']}>.*))?", 3
        else:
            parameter = f"{slash}(?P<{match['name']}>{_constraint(match['constraint'], template)})"
            piece, weight = f"(?:{parameter})?" if match["optional"] else parameter, 2
        pattern += piece
        rank.append(weight)
    return Route(re.compile(pattern, re.IGNORECASE), tuple(rank))


def _mixed(segment: str, template: str) -> str:
    """Literal text, perhaps around parameters: `{name}.json`."""
    pieces = []
    end = 0
    for match in _PARAMETER.finditer(segment):
        if match["rest"] or match["optional"]:
            raise ConfigurationError(f"route {template!r}: {match[0]} must have a segment to itself")
        parameter = f"(?P<{match['name']}>{_constraint(match['constraint'], template)})"
        pieces += [re.escape(segment[end : match.start()]), parameter]
        end = match.end()
    if "{" in segment[end:] or "}" in segment[end:]:
        raise ConfigurationError(f"route {template!r}: {segment!r} is not understood")
    return "".join([*pieces, re.escape(segment[end:])])


def _constraint(name: str | None, template: str) -> str:
    if name not in _CONSTRAINTS:
        raise ConfigurationError(f"route {template!r}: the constraint {name} is not served by this host")
    return _CONSTRAINTS[name]
