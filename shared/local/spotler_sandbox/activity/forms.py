"""The account's one sign-up form: its page, and its entries from a browser or through the REST API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from html import escape
from typing import Any

from shared.local.spotler_sandbox.account.contacts import Contact
from shared.local.spotler_sandbox.account.identifiers import Identifiers
from shared.local.spotler_sandbox.http.wire import DateStyle, Period, iso, native_date

FORM_ID = 1
SIGN_UP_FORM = {"id": FORM_ID, "name": "Sign-up", "formSubType": "subscribe", "formState": "final"}
FORM_FIELD, FORM_ENCRYPTED_ID = "formEncId", "FrmSignUp"
"""The hidden field with the id of the form; a site that embeds the form sends it along."""

FIELDS = {"email": "E-mail address", "firstName": "First name", "lastName": "Last name"}
"""The fields of the form: properties of a contact with their labels."""


class OutputFormat(StrEnum):
    """How the page closes elements without content."""

    HTML = "HTML4STRICT"
    XHTML = "XHTML1STRICT"


class OutputMode(StrEnum):
    """The layout of the page."""

    TABLES = "TABLES"
    DIV = "DIV"


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the form; `complaint` is the error text above the fields."""

    post_url: str
    output_format: OutputFormat = OutputFormat.HTML
    output_mode: OutputMode = OutputMode.TABLES
    values: Mapping[str, str] | None = None
    complaint: str = ""

    def document(self) -> dict[str, Any]:
        """Return the JSON of the form calls."""
        return _answer(self._html(), confirmation=False)

    def _html(self) -> str:
        close = " />" if self.output_format is OutputFormat.XHTML else ">"
        fields = [
            (label, f'<input type="text" name="{name}" value="{escape((self.values or {}).get(name, ""))}"{close}')
            for name, label in FIELDS.items()
        ]
        body = _laid_out(fields, self.output_mode)
        hidden = f'<input type="hidden" name="{FORM_FIELD}" value="{FORM_ENCRYPTED_ID}"{close}'
        complaint = f"<p>{escape(self.complaint)}</p>" if self.complaint else ""
        button = f'<p>{hidden}<input type="submit" value="Send"{close}</p>'
        return f'<form method="post" action="{escape(self.post_url)}">{complaint}{body}{button}</form>'


@dataclass(frozen=True, slots=True, eq=False)
class FormEntry:
    """One completed form; `answers` by property."""

    id: int
    contact: Contact
    at: datetime
    answers: Mapping[str, Sequence[str]]

    def document(self) -> dict[str, Any]:
        """Return the JSON of a contact's form history."""
        return {"form": SIGN_UP_FORM, "formResultId": self.id, "submitDate": iso(self.at), "completed": True}

    def result(self, dates: DateStyle) -> dict[str, Any]:
        """Return the JSON of the results of a form."""
        answers = [
            {"rank": rank, "fieldId": rank, "description": FIELDS.get(name, name), "answer": list(given)}
            for rank, (name, given) in enumerate(self.answers.items(), start=1)
        ]
        return {
            "formResultId": self.id,
            "submittedAt": native_date(self.at, dates),
            "testResult": False,
            "completed": True,
            "answers": answers,
        }


class FormEntries:
    """All completed forms, oldest first."""

    def __init__(self, identifiers: Identifiers, now: Callable[[], datetime]) -> None:
        self._identifiers = identifiers
        self._now = now
        self._entries: list[FormEntry] = []

    def add(self, contact: Contact, properties: Mapping[str, Any]) -> None:
        """Record an entry of a contact; `properties` are in the form of the API."""
        answers = {name: _given(value) for name, value in properties.items()}
        self._entries.append(FormEntry(self._identifiers.number(), contact, self._now(), answers))

    def of_contact(self, contact: Contact) -> list[FormEntry]:
        """Return a contact's entries."""
        return [entry for entry in self._entries if entry.contact is contact]

    def within(self, period: Period) -> list[FormEntry]:
        """Return the entries of a period."""
        return [entry for entry in self._entries if entry.at in period]

    def find(self, number: int) -> FormEntry | None:
        """Look up an entry."""
        return next((entry for entry in self._entries if entry.id == number), None)


def confirmation() -> dict[str, Any]:
    """Return the JSON of the page after a completed form."""
    return _answer("<p>Thank you.</p>", confirmation=True)


def _answer(html: str, *, confirmation: bool) -> dict[str, Any]:
    script = f"https://static.example/form{FORM_ID}.js"
    return {"html": html, "script": script, "isConfirmationPage": confirmation, "url": ""}


def _laid_out(fields: Sequence[tuple[str, str]], mode: OutputMode) -> str:
    match mode:
        case OutputMode.TABLES:
            rows = "".join(f"<tr><td>{label}</td><td>{field}</td></tr>" for label, field in fields)
            return f"<table>{rows}</table>"
        case OutputMode.DIV:
            return "".join(f"<div>{label} {field}</div>" for label, field in fields)


def _given(value: Any) -> list[str]:
    """Write an answer as text; of a list field, the options that are on."""
    if isinstance(value, list):
        return [str(option["bit"]) for option in value if option["enabled"]]
    return [] if value is None else [str(value)]
