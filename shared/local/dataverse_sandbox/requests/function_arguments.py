"""Parameters of a function, as aliases: `Name(Target=@t)?@t={"@odata.id":"contacts(…)"}`.

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
        try:
            values[found[1]] = json.loads(value)
        except ValueError:
            raise bad_request(f"The value of the parameter alias '{found[2]}' is no JSON.") from None
    return Parts(values, "parameter")
