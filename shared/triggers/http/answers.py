"""Answers of HTTP functions: JSON, and for problems one sentence that says what to do."""

import json
from collections.abc import Mapping
from typing import Any

import azure.functions as func


def json_answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> func.HttpResponse:
    """Answer with a body as JSON."""
    return func.HttpResponse(
        json.dumps(body, default=str),
        status_code=status,
        mimetype="application/json",
        headers=dict(headers) if headers else None,
    )


def problem(status: int, text: str, details: Any = None) -> func.HttpResponse:
    """Answer with an error and its cause."""
    return json_answer({"error": text, **({"details": details} if details else {})}, status)
