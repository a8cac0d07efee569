"""Parameters of a function, as aliases: `Name(Target=@t)?@t={"@odata.id":"contacts(…)"}`.

Source: Microsoft's page "Use Web API functions", parameter aliases.
"""

from __future__ import annotations

import json
import re

from shared.local.dataverse_sandbox.organisation.errors import bad_request, not_implemented
from shared.local.dataverse_sandbox.requests.consumption import Parts

_PAIR = re.compile(r"(\w+)=(@\w+)")


def read(text: str, query: Parts) -> Parts:
    """Return the parameters by name; WebApiError 400 for an alias without a value, 501 for a value in the path."""
    values = {}
    for pair in text.split(","):
        found = _PAIR.fullmatch(pair.strip())
        if found is None:
            raise not_implemented(f"The parameter '{pair.strip()}', which is no alias,")
        if (value := query.get(found[2])) is None:
            raise bad_request(f"The parameter alias '{found[2]}' has no value.")
        try:
            values[found[1]] = json.loads(value)
        except ValueError:
            raise bad_request(f"The value of the parameter alias '{found[2]}' is no JSON.") from None
    return Parts(values, "parameter")
