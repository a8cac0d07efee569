"""Reads requests: known fields only; an error says what to send instead."""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import azure.functions as func
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

_KEYS = frozenset({"code", "clientid"})
"""Query parameters of the Functions host itself: a key, and the name of a key."""

NOBODY = UUID(int=0)
"""The id of no record; programs send it when they have no id."""

_LONGEST_NAME = 40
_MOST_NAMED = 5

ModelT = TypeVar("ModelT", bound=BaseModel)


class RequestModel(BaseModel):
    """What a caller sends. A field or parameter that the route does not have is refused."""

    model_config = ConfigDict(extra="forbid")


class BadRequestError(Exception):
    """The caller must send something else; `text` says what."""

    def __init__(self, text: str, details: Sequence[Any] = (), status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        """`text` must not quote the request, except names of fields."""
        super().__init__(text)
        self.text = text
        self.details = details
        self.status = status


def read_body(req: func.HttpRequest, model: type[ModelT], *, usage: str, default: bytes = b"") -> ModelT:
    """Read a JSON body; BadRequestError with `usage` if it does not fit the model, or has a key twice."""
    body = req.get_body() or default
    try:
        read = model.model_validate_json(body)
    except ValidationError as wrong:
        raise _refusal(wrong, model, usage, "field") from None
    if twice := _given_twice(body):
        raise BadRequestError(f"{', '.join(twice[:_MOST_NAMED])} is given twice: give it once. {usage}")
    return read


def refuse_unknown(req: func.HttpRequest, known: Collection[str]) -> None:
    """Refuse query parameters that a route does not read, or that are given twice; BadRequestError names them."""
    given = [
        name for name, _ in parse_qsl(urlsplit(req.url).query, keep_blank_values=True) if name.casefold() not in _KEYS
    ]
    given += [name for name in parameters_of(req) if name not in given]
    if unknown := [_short(name) for name in dict.fromkeys(given) if name not in known]:
        there_is = ", ".join(known) or "none"
        raise BadRequestError(f"There is no query parameter {', '.join(unknown[:_MOST_NAMED])}; there is: {there_is}.")
    if twice := [name for name, times in Counter(given).items() if times > 1]:
        raise BadRequestError(f"The query parameter {', '.join(twice)} is given twice: give it once.")


def _given_twice(body: bytes) -> list[str]:
    """Return keys that an object of a JSON document has twice; it was read before, so it is not too deep."""
    twice: list[str] = []

    def collect(pairs: list[tuple[str, Any]]) -> None:
        twice.extend(_short(name) for name, times in Counter(name for name, _ in pairs).items() if times > 1)

    json.loads(body, object_pairs_hook=collect, parse_int=str, parse_float=str)
    return twice


def read_query(req: func.HttpRequest, model: type[ModelT], *, usage: str = "The query is not valid.") -> ModelT:
    """Read the query parameters; BadRequestError with `usage` if one is unknown or wrong."""
    try:
        return model.model_validate(parameters_of(req))
    except ValidationError as wrong:
        raise _refusal(wrong, model, usage, "query parameter") from None


def parameters_of(req: func.HttpRequest) -> dict[str, str]:
    """Return the query parameters without the function key, which must not be repeated in a link."""
    return {name: value for name, value in req.params.items() if name.casefold() not in _KEYS}


def _refusal(wrong: ValidationError, model: type[BaseModel], usage: str, what: str) -> BadRequestError:
    errors = wrong.errors(include_input=False, include_url=False, include_context=False)
    unknown = [_short(error["loc"][-1]) for error in errors if error["type"] == "extra_forbidden" and error["loc"]]
    sentences = []
    if unknown:
        known = ", ".join(field.alias or name for name, field in model.model_fields.items()) or "none"
        sentences.append(f"There is no {what} {', '.join(unknown[:_MOST_NAMED])}; there is: {known}.")
    if empty := [_short(error["loc"][-1]) for error in errors if error["type"] == "too_short" and error["loc"]]:
        sentences.append(f"{', '.join(empty[:_MOST_NAMED])} is empty: name at least one, or leave it out.")
    if any(error["type"] == "too_long" for error in errors):
        sentences.append(f"Send fewer at a time: {_limits(model)}.")
    return BadRequestError(" ".join([*sentences, usage]), [_detail(error) for error in errors[:_MOST_NAMED]])


def _detail(error: ErrorDetails) -> Mapping[str, Any]:
    """Return place and kind of an error. If a value could not be read, the text of the exception may quote it."""
    quotes = error["type"] == "value_error" and error["loc"]
    return {
        "type": error["type"],
        "loc": [_short(part) if isinstance(part, str) else part for part in error["loc"]],
        "msg": "The value is not understood" if quotes else error["msg"],
    }


def _limits(model: type[BaseModel]) -> str:
    limits = {
        name: constraint.max_length
        for name, field in model.model_fields.items()
        for constraint in field.metadata
        if hasattr(constraint, "max_length")
    }
    return ", ".join(f"at most {most} {name}" for name, most in limits.items())


def _short(name: object) -> str:
    """Return a name of a caller, short and printable."""
    text = "".join(letter for letter in str(name) if letter.isprintable())
    return text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}…"
