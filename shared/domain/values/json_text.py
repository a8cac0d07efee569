"""Reads JSON from outside."""

import json
from typing import Any


def parse_json(text: str | bytes) -> Any:
    """Read JSON; ValueError if it is invalid, or nested deeper than Python can follow."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
