"""Parameters of a function, as aliases: `Name(Target=@t,Column=@c)?@t={"@odata.id":"contacts(…)"}&@c='name'`.

Source: Microsoft's page "Use Web API functions", parameter aliases.
"""

from __future__ import annotations

import json
import re
from typing import Any

from shared.local.dataverse_sandbox.organisation.errors import bad_request, not_implemented
from shared.local.dataverse_sandbox.requests.consumption import Parts
from shared.local.dataverse_sandbox.rows.values import GUID

_LITERAL = re.compile(rf"(\w+)=('[^']*'|{GUID.pattern})")
_TEXT = re.compile(r"'((?:[^']|'')*)'")
_PAIR = re.compile(r"(\w+)=(@\w+)")


def read(text: str, query: Parts) -> Parts:
    """Return the parameters by name; WebApiError 400 for an alias without a value, 501 for other values in the path."""
    values: dict[str, Any] = {}
    for pair in text.split(","):
        found = _PAIR.fullmatch(pair.strip())
        if literal := _LITERAL.fullmatch(pair.strip()):
            values[literal[1]] = literal[2].strip("'")
            continue
        if found is None:
            raise not_implemented(f"The parameter '{pair.strip()}', which is neither an alias nor an id,")
        if (value := query.get(found[2])) is None:
            raise bad_request(f"The parameter alias '{found[2]}' has no value.")
        values[found[1]] = _value(value, found[2])
    return Parts(values, "parameter")


def _value(text: str, alias: str) -> Any:
    """Return the value of an alias: a text in single quotes, as in a filter, or JSON."""
    if quoted := _TEXT.fullmatch(text):
        return quoted[1].replace("''", "'")
    try:
        return json.loads(text)
    except ValueError:
        raise bad_request(f"The value of the parameter alias '{alias}' is no JSON.") from None
