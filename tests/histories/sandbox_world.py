"""Histories over both sandboxes: the adapters that talk to the services, over ASGI, in one process and on one clock."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import httpx
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.adapters.dataverse.metadata.schema_cache import SchemaCache
from shared.adapters.dataverse.records.crm import DataverseCrm
from shared.adapters.dataverse.records.tables import PEOPLE, PERMISSIONS
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.writeback.write_back import DataverseWritebacks
from shared.adapters.spotler.contacts.client import SpotlerClient
from shared.adapters.spotler.contacts.platform import SpotlerPlatform
from shared.adapters.spotler.rest.retrying import RetrySettings
from shared.domain.mapping.model import Outside
from shared.domain.planning.rules import Rules
from shared.domain.records.jobs import Operation
from shared.domain.records.records import PersonRecord, PersonTable, RecordKey, SyncStatus
from shared.local import spotler_sandbox as spotler
from shared.local.dataverse_sandbox.http.app import create_app
from shared.local.dataverse_sandbox.organisation.execution_context import ServiceEndpointMessage
from shared.local.dataverse_sandbox.organisation.privileges import Privilege
from shared.local.sandbox.addresses import CONNECTOR_CLIENT, PEOPLE_CLIENT, PEOPLE_SECRET, Addresses
from shared.local.sandbox.users import DynamicsUser
from shared.local.spotler_sandbox.http.settings import CURRENT_PREFIX
from tests.connector_twin import ConnectorTwin
from tests.contract.clocks import TickingClock
from tests.histories.world import COLUMNS, NAMES, Profile, Version, World, rules
from tests.installed import installed_settings
from tests.twins import Faults

CRM_URL, SPOTLER_URL = "http://127.0.0.1:8081", "http://127.0.0.1:8082"
BITS = {int(name.partition(":")[2]): name for name in NAMES}
HASTY = RetrySettings(
    first_wait=timedelta(milliseconds=1),
    longest_wait=timedelta(milliseconds=2),
    jitter=timedelta(),
    longest_pause=timedelta(),
)


class Faulty:
    """An adapter whose calls can fail before and after their effect; `writes` counts those that had one."""

    def __init__(self, adapter: Any, faults: Faults, counted: str) -> None:
        self._adapter = adapter
        self._faults = faults
        self._counted = counted
        self.writes = 0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._adapter, name)
        if inspect.isasyncgenfunction(method):
            return self._feed(method)
        if not inspect.iscoroutinefunction(method):
            return method

        async def call(*args: Any, **options: Any) -> Any:
            await self._faults.pass_by()
            answer = await method(*args, **options)
            self.writes += name == self._counted
            await self._faults.pass_by()
            return answer

        return call

    def _feed(self, method: Any) -> Any:
        async def pages(*args: Any) -> AsyncIterator[Any]:
            async for page in method(*args):
                await self._faults.pass_by()
                yield page

        return pages


class FixedToken:
    """A token of the connector's application user."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self) -> str:
        return self._token

    def reject(self, token: str) -> None:
        raise AssertionError(f"the sandbox knows its token of {len(token)} characters")


class SandboxWorld(World):
    """Both sandboxes, and the connector with its own adapters of them."""

    is_repeatable = False

    def __init__(self, rules: Rules) -> None:
        self.twin = ConnectorTwin(rules, clock=TickingClock())
        self._number = 0
        self._writebacks: list[Faulty] = []
        self._order: list[RecordKey] = []
        self._people: dict[RecordKey, PersonRecord] = {}
        self._profiles: list[Profile] = []
        self._sandboxes = contextlib.AsyncExitStack()

    async def open(self) -> None:
        async def publish(message: ServiceEndpointMessage) -> None:
            """The machine tells the connector itself, so that it can do so late, twice, and in any order."""

        now = self.twin.clock.now
        clients = {CONNECTOR_CLIENT: "secret", PEOPLE_CLIENT: PEOPLE_SECRET}
        of_the_role_alone = {CONNECTOR_CLIENT: frozenset[Privilege]()}
        crm_app = create_app(installed_settings(clients=clients, privileges=of_the_role_alone, now=now), publish)
        spotler_app = spotler.create_app(
            spotler.SpotlerSandboxSettings(consumer_key="key", consumer_secret="secret", now=now)
        )
        over_crm, over_spotler = httpx.ASGITransport(_as_asgi(crm_app)), httpx.ASGITransport(spotler_app)
        self._spotler = httpx.AsyncClient(transport=over_spotler, base_url=f"{SPOTLER_URL}/sandbox/")
        self._dynamics = DynamicsUser(
            Addresses(
                dataverse_url=CRM_URL,
                dataverse_authority=CRM_URL,
                dataverse_tenant_id="tenant",
                dataverse_client_id=CONNECTOR_CLIENT,
                dataverse_client_secret="secret",
                spotler_url=SPOTLER_URL,
                spotler_key="key",
                spotler_secret="secret",
                certificate="",
            )
        )
        headers = dict(self._dynamics._http.headers)
        await self._dynamics._http.aclose()
        self._dynamics._http = httpx.AsyncClient(
            transport=over_crm, base_url=f"{CRM_URL}/api/data/v9.2/", headers=headers
        )
        await self._sandboxes.enter_async_context(self._dynamics)
        token = await self._token(over_crm)
        self._client = DataverseClient(CRM_URL, FixedToken(token), tag="spotler-connector", http_transport=over_crm)
        self._schema, faults = SchemaCache(self._client, clock=self.twin.clock), self.twin.faults
        everything = rules(Version(outside=Outside.KEEP))
        self._reader = DataverseCrm(self._client, everything.mapping, list(PersonTable), self._schema)
        http = httpx.AsyncClient(transport=over_spotler)
        spotler_client = SpotlerClient(
            SPOTLER_URL + CURRENT_PREFIX, "key", "secret", http=http, clock=self.twin.clock, retries=HASTY
        )
        self._platform = Faulty(SpotlerPlatform(spotler_client, clock=self.twin.clock), faults, "upsert")
        self.remap(self.twin.rules)
        connector: Any = self.twin
        connector.platform = self._platform
        self.twin.worker = self.twin.start_worker()

    def remap(self, rules: Rules) -> None:
        """Adapters of Dataverse are made for one version of the mapping."""
        faults, connector = self.twin.faults, cast("Any", self.twin)
        crm = DataverseCrm(self._client, rules.mapping, list(PersonTable), self._schema)
        writebacks = DataverseWritebacks(self._client, self._schema, rules.mapping)
        self._writebacks.append(Faulty(writebacks, faults, "write_back"))
        connector.rules, connector.crm = rules, Faulty(crm, faults, "")
        connector.writebacks = self._writebacks[-1]

    async def _token(self, over_crm: httpx.ASGITransport) -> str:
        async with httpx.AsyncClient(transport=over_crm) as http:
            form = {"grant_type": "client_credentials", "client_id": CONNECTOR_CLIENT, "client_secret": "secret"}
            answer = await http.post(
                f"{CRM_URL}/tenant/oauth2/v2.0/token", data={**form, "scope": f"{CRM_URL}/.default"}
            )
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    async def close(self) -> None:
        await self._sandboxes.aclose()
        await self._platform.close()
        await self._reader.close()
        await self._spotler.aclose()

    # ---------------------------------------------------------------------------------------------- acts in Dynamics

    async def create(
        self, table: PersonTable, columns: Mapping[str, Any], permissions: Mapping[str, bool]
    ) -> RecordKey:
        self._number += 1
        key = RecordKey(table, UUID(int=self._number))
        row = {PEOPLE[table].key: str(key.id), "lastname": f"Person {self._number}", **columns}
        if table is PersonTable.LEAD:
            row["subject"] = "Interested"
        await self._dynamics.create(PEOPLE[table].entity_set, row)
        self._order.append(key)
        for name, on in permissions.items():
            await self._dynamics.add_permission(table, str(key.id), name, subscribed=on)
        return key

    async def edit(self, key: RecordKey, **columns: Any) -> None:
        await self._dynamics.change(PEOPLE[key.table].entity_set, str(key.id), columns)

    def _rows(self, key: RecordKey, name: str) -> list[str]:
        return [str(row.id) for row in self._people[key].permissions if row.name == name]

    async def permit(self, key: RecordKey, name: str, *, subscribed: bool) -> None:
        for row in (rows := self._rows(key, name)):
            await self._dynamics.change(PERMISSIONS, row, {"dh_subscribed": subscribed})
        if not rows:
            await self._dynamics.add_permission(key.table, str(key.id), name, subscribed=subscribed)

    async def remove_permission(self, key: RecordKey, name: str) -> None:
        for row in self._rows(key, name):
            await self._dynamics.delete(PERMISSIONS, row)

    async def delete(self, key: RecordKey) -> None:
        await self._dynamics.delete(PEOPLE[key.table].entity_set, str(key.id))

    async def deactivate(self, key: RecordKey) -> None:
        await self._dynamics.deactivate(key.table, str(key.id))

    async def activate(self, key: RecordKey) -> None:
        await self._dynamics.activate(key.table, str(key.id))

    async def merge(self, master: RecordKey, subordinate: RecordKey) -> None:
        await self._dynamics.merge(master.table, target=str(master.id), subordinate=str(subordinate.id))

    async def qualify(self, lead: RecordKey) -> RecordKey:
        contact = RecordKey(PersonTable.CONTACT, UUID(await self._dynamics.qualify(str(lead.id))))
        self._order.append(contact)
        return contact

    async def order(self, operation: Operation, key: RecordKey) -> UUID:
        return UUID(await self._dynamics.add_job(operation, key.table, str(key.id)))

    async def set_status(self, key: RecordKey, status: SyncStatus) -> None:
        row = self._people[key].status
        if row is not None:
            await self._dynamics.set_status(str(row.id), status)

    def people(self) -> Mapping[RecordKey, PersonRecord]:
        return self._people

    # ----------------------------------------------------------------------------------------------- acts in Spotler

    async def sign_up(self, email: str, values: Mapping[str, Any], options: Mapping[str, bool]) -> None:
        await self._act("form", {"properties": {"email": email, **values, **_sets(options)}})

    async def change_profile(self, one: Profile, values: Mapping[str, Any], options: Mapping[str, bool]) -> None:
        properties = {name: value or None for name, value in values.items()}
        await self._act("contact/edit", {"properties": {**properties, **_sets(options)}}, one)

    async def opt_out(self, one: Profile) -> None:
        await self._act("contact/opt-out", {}, one)

    async def bounce(self, one: Profile, kind: str) -> None:
        await self._act(f"contact/{'hard' if kind == 'HARDBOUNCE' else 'soft'}-bounce", {}, one)

    async def erase(self, one: Profile) -> None:
        await self._act("contact/erase", {}, one)

    async def _act(self, path: str, body: Mapping[str, Any], one: Profile | None = None) -> None:
        query = {"encryptedId": one.id} if one else {}
        (await self._spotler.post(path, json=body, params=query)).raise_for_status()

    def profiles(self) -> list[Profile]:
        return self._profiles

    # -------------------------------------------------------------------------------------------------------- looking

    async def look(self) -> None:
        found = await self._reader.read_people(self._order) if self._order else {}
        self._people = {key: found[key] for key in self._order if key in found}
        contacts = (await self._spotler.get("contacts")).json()
        self._profiles = [_profile(one) for one in contacts]

    def writes(self) -> int:
        return self._platform.writes + sum(one.writes for one in self._writebacks)


def _sets(options: Mapping[str, bool]) -> dict[str, Any]:
    bits = [{"bit": int(name.partition(":")[2]), "enabled": on} for name, on in options.items()]
    return {"permissions": bits} if bits else {}


def _profile(one: Mapping[str, Any]) -> Profile:
    properties = one["properties"]
    switches = {BITS[bit["bit"]]: bit["enabled"] for bit in properties["permissions"] if bit["bit"] in BITS}
    values = {name: value for name, value in properties.items() if name in {*COLUMNS, "customerType"}}
    email = str(properties.get("email", "")).casefold()
    return Profile(
        one["encryptedId"], one.get("externalId", ""), email, values, switches, one["inactivity"] is not None
    )


def _as_asgi(app: ASGIApp) -> ASGIApp:
    """Write names of headers in lower case, as servers do that the sandbox's own spelling does not concern."""

    async def lowered(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_lowered(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [(bytes(name).lower(), value) for name, value in message.get("headers", ())]
                message = {**message, "headers": headers}
            await send(message)

        await app(scope, receive, send_lowered)

    return lowered
