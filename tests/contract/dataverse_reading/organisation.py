"""A sandbox organisation with three contacts, and a reader of what a mapping names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.adapters.dataverse.metadata.schema_cache import SchemaCache
from shared.adapters.dataverse.records.person_reader import PersonReader
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.credentials import ClientSecret, token_provider
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.mapping.model import Mapping
from shared.domain.records.records import PersonRecord, PersonTable, RecordKey
from shared.errors import Service
from shared.local.dataverse_sandbox.http.app import create_app
from shared.local.dataverse_sandbox.organisation.execution_context import ServiceEndpointMessage
from shared.local.sandbox.serving import serve
from tests.contract.clocks import ManualClock
from tests.installed import installed_settings

ACCOUNT = UUID(int=1)
PEOPLE = [UUID(int=number) for number in range(10, 13)]
ANN, BEN, CLEO = (RecordKey(PersonTable.CONTACT, identifier) for identifier in PEOPLE)
USER = UUID(int=99)

ROWS: list[tuple[str, dict[str, Any]]] = [
    ("systemuser", {"systemuserid": str(USER), "fullname": "Olga Owner", "internalemailaddress": "olga@example.com"}),
    (
        "account",
        {
            "accountid": str(ACCOUNT),
            "name": "Fabrikam",
            "websiteurl": "https://fabrikam.example",
            "numberofemployees": 1200,
        },
    ),
    (
        "contact",
        {
            "contactid": str(PEOPLE[0]),
            "firstname": "Ann",
            "lastname": "Proef",
            "emailaddress1": "ann@example.com",
            "gendercode": 2,
            "parentcustomerid": ("account", str(ACCOUNT)),
            "ownerid": ("systemuser", str(USER)),
        },
    ),
    ("contact", {"contactid": str(PEOPLE[1]), "lastname": "Proef", "emailaddress1": "ben@example.com"}),
    ("contact", {"contactid": str(PEOPLE[2]), "lastname": "Proef", "emailaddress1": "cleo@example.com"}),
    *(
        (
            "task",
            {
                "activityid": str(UUID(int=1000 + number)),
                "subject": f"Task {number}",
                "prioritycode": number % 3,
                "regardingobjectid": ("contact", str(PEOPLE[number % 2])),
                "scheduledend": f"2026-01-{number:02}T09:00:00Z",
            },
        )
        for number in range(1, 9)
    ),
]


@dataclass
class Organisation:
    """A running sandbox and a client of it."""

    client: DataverseClient
    schema: SchemaCache
    clock: ManualClock
    sent: list[str]

    def reader(self, mapping: Mapping) -> PersonReader:
        return PersonReader(self.client, self.schema, mapping, frozenset(PersonTable))

    async def read(self, source: str, **options: Any) -> dict[RecordKey, PersonRecord]:
        return await self.reader(mapping(source, **options)).read([ANN, BEN, CLEO])


def mapping(source: str, **options: Any) -> Mapping:
    """A mapping whose one row besides the address has this expression."""
    rows = [{"spotler": "email", "contact": "emailaddress1"}, {"spotler": "wanted", "contact": source}]
    return read_mapping({"version": 1, "rows": rows, **options})


@asynccontextmanager
async def organisation_with(rows: list[tuple[str, dict[str, Any]]], **settings: Any) -> AsyncIterator[Organisation]:
    async def publish(message: ServiceEndpointMessage) -> None:
        pass

    app = create_app(installed_settings(**settings), publish, rows)
    async with serve(app) as at:
        tokens = token_provider(ClientSecret("organisation", "sandbox", "sandbox"), at.url, authority=at.url)
        sent: list[str] = []

        def observe(service: Service, operation: str, status: int, seconds: float) -> None:
            sent.append(operation)

        async with DataverseClient(at.url, tokens, observe=observe) as client:
            clock = ManualClock()
            yield Organisation(client, SchemaCache(client, clock=clock), clock, sent)
