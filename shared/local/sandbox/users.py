"""Users of the sandbox: a user of Dynamics, and a marketer who reads contacts in Spotler."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from shared.adapters.dataverse.records.tables import INFO_LOOKUP, INFO_STATES, INFOS, JOBS, PEOPLE, PERMISSIONS
from shared.domain.records.records import PersonTable, SyncStatus
from shared.local.sandbox.addresses import CONNECTOR_CLIENT, PEOPLE_CLIENT, PEOPLE_SECRET, TENANT, Addresses

_POLL = 0.01
_WAIT_SECONDS = 30.0

_CLOSED = {PersonTable.CONTACT: (1, 2), PersonTable.ACCOUNT: (1, 2), PersonTable.LEAD: (2, 4)}
"""State and status reason that the button Deactivate sets; a lead is disqualified as lost."""

_QUALIFIED = 3
_JSON = {"Content-Type": "application/json"}
_UNHEARD = {"MSCRM.BypassBusinessLogicExecution": "CustomAsync"}
_OWNERS = {
    PersonTable.CONTACT: "dh_CustomerId_contact",
    PersonTable.ACCOUNT: "dh_CustomerId_account",
    PersonTable.LEAD: "dh_LeadId",
}


class DynamicsUser:
    """Saves records through the Web API, as forms and flows do."""

    def __init__(self, addresses: Addresses, client: str = PEOPLE_CLIENT, secret: str = PEOPLE_SECRET) -> None:
        self._url = addresses.dataverse_url
        self._credentials = {"client_id": client, "client_secret": secret}
        self._http = httpx.AsyncClient(
            base_url=f"{addresses.dataverse_url}/api/data/v9.2/",
            headers={"Accept": "application/json", "OData-Version": "4.0", "OData-MaxVersion": "4.0"},
            timeout=30,
            verify=_trust(addresses),
        )

    async def __aenter__(self) -> Self:
        answer = await self._http.post(
            f"{self._url}/{TENANT}/oauth2/v2.0/token",
            data={
                "grant_type": "client_credentials",
                **self._credentials,
                "scope": f"{self._url}/.default",
            },
        )
        answer.raise_for_status()
        self._http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def create(self, entity_set: str, row: Mapping[str, Any]) -> str:
        """Save a new record and return its id."""
        answer = await self._http.post(entity_set, content=_json(row), headers=_JSON)
        answer.raise_for_status()
        return _identifier(answer)

    async def bring_in(self, entity_set: str, row: Mapping[str, Any]) -> str:
        """Save a new record as an import that bypasses asynchronous steps: no message is sent."""
        answer = await self._http.post(entity_set, content=_json(row), headers={**_JSON, **_UNHEARD})
        answer.raise_for_status()
        return _identifier(answer)

    async def slip(self, entity_set: str, identifier: str, row: Mapping[str, Any]) -> None:
        """Save columns of a record without a message."""
        headers = {"If-Match": "*", **_JSON, **_UNHEARD}
        (await self._http.patch(f"{entity_set}({identifier})", content=_json(row), headers=headers)).raise_for_status()

    async def slip_away(self, entity_set: str, identifier: str) -> None:
        """Delete a record without a message."""
        (await self._http.delete(f"{entity_set}({identifier})", headers=_UNHEARD)).raise_for_status()

    async def change(self, entity_set: str, identifier: str, row: Mapping[str, Any], *, tag: str | None = None) -> None:
        """Save columns of a record, with an optional `tag`, which any caller may set."""
        answer = await self._http.patch(
            f"{entity_set}({identifier})",
            content=_json(row),
            headers={"If-Match": "*", **_JSON},
            params={"tag": tag} if tag else None,
        )
        answer.raise_for_status()

    async def delete(self, entity_set: str, identifier: str, *, tag: str | None = None) -> None:
        """Delete a record, with an optional `tag`."""
        answer = await self._http.delete(f"{entity_set}({identifier})", params={"tag": tag} if tag else None)
        answer.raise_for_status()

    async def act(self, action: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Call an action of the Web API, bound or unbound."""
        answer = await self._http.post(action, json=dict(body))
        answer.raise_for_status()
        result: dict[str, Any] = answer.json() if answer.content else {}
        return result

    async def read(self, path: str) -> dict[str, Any]:
        """Read a record or a query."""
        answer = await self._http.get(path, headers={"Prefer": 'odata.include-annotations="*"'})
        answer.raise_for_status()
        result: dict[str, Any] = answer.json()
        return result

    async def deactivate(self, table: PersonTable, identifier: str) -> None:
        """Press Deactivate (on a lead: Disqualify)."""
        state, reason = _CLOSED[table]
        await self.change(PEOPLE[table].entity_set, identifier, {"statecode": state, "statuscode": reason})

    async def activate(self, table: PersonTable, identifier: str) -> None:
        """Press Activate (on a lead: Reactivate)."""
        await self.change(PEOPLE[table].entity_set, identifier, {"statecode": 0, "statuscode": 1})

    async def merge(
        self, table: PersonTable, *, target: str, subordinate: str, taken_over: Mapping[str, Any] | None = None
    ) -> None:
        """Merge two records of a table: the subordinate becomes inactive, the target takes over some values."""

        def reference(identifier: str) -> dict[str, str]:
            return {"@odata.type": f"Microsoft.Dynamics.CRM.{table}", PEOPLE[table].key: identifier}

        content = {"UpdateContent": reference(target) | dict(taken_over)} if taken_over else {}
        both = {"Target": reference(target), "Subordinate": reference(subordinate)}
        await self.act("Merge", {**both, **content, "PerformParentingChecks": False})

    async def qualify(self, lead: str) -> str:
        """Qualify a lead into a contact and return the id of the contact."""
        wishes = {"CreateAccount": False, "CreateContact": True, "CreateOpportunity": False, "Status": _QUALIFIED}
        answer = await self.act(f"leads({lead})/Microsoft.Dynamics.CRM.QualifyLead", wishes)
        return str(answer["value"][0]["contactid"])

    async def add_permission(self, table: PersonTable, person: str, name: str, *, subscribed: bool) -> str:
        """Add a row to the subgrid of permissions and return its id."""
        row = {"dh_name": name, "dh_subscribed": subscribed, **_owner(table, person)}
        return await self.create(PERMISSIONS, row)

    async def add_job(self, operation: int | None, table: PersonTable | None = None, person: str = "") -> str:
        """Save a new Spotler Job and return its id."""
        owner = _owner(table, person) if table else {}
        return await self.create(JOBS, {"dh_name": "Asked by a flow", "dh_operation": operation, **owner})

    async def status(self, table: PersonTable, person: str) -> dict[str, Any] | None:
        """Read the Spotler Info row that the record shows as its Spotler Status."""
        names = PEOPLE[table]
        row = await self.read(f"{names.entity_set}({person})?$select={names.key}&$expand={INFO_LOOKUP}")
        info: dict[str, Any] | None = row[INFO_LOOKUP]
        return info

    async def set_status(self, info: str, status: SyncStatus) -> None:
        """Press Activate or Deactivate on a Spotler Info row."""
        state, reason = INFO_STATES[status]
        await self.change(INFOS, info, {"statecode": state, "statuscode": reason})

    async def cause(self, what: str, body: Mapping[str, Any]) -> None:
        """Call the control API of the sandbox: `faults`, `delivery`, `limits`."""
        (await self._http.post(f"{self._url}/sandbox/{what}", json=dict(body))).raise_for_status()

    async def revoke_tokens(self, client: str) -> None:
        """Make the access tokens of a client of the sandbox invalid."""
        answer = await self._http.delete(f"{self._url}/sandbox/tokens", params={"client": client})
        answer.raise_for_status()

    async def underway(self) -> int:
        """Return the number of messages that the service endpoint has not posted yet."""
        answer = await self._http.get(f"{self._url}/sandbox/counters")
        return int(answer.json()["messages"]["underway"])

    async def privileges(self, client: str, which: str) -> dict[str, list[str]]:
        """Return the privileges of a client of the sandbox, by table: those `used` so far, or those `missing`."""
        answer = await self._http.get(f"{self._url}/sandbox/privileges")
        found: dict[str, list[str]] = answer.json()[client][which]
        return found

    async def grant(self, client: str, **privileges: Sequence[str]) -> None:
        """Extend the role of a client of the sandbox, by table: `systemuser=["read"]`."""
        grant = {name: list(one) for name, one in privileges.items()}
        await self.cause("privileges", {"client": client, "grant": grant})

    async def revoke(self, client: str, **privileges: Sequence[str]) -> None:
        """Take privileges from the role of a client of the sandbox, by table: `systemuser=["read"]`."""
        revoke = {name: list(one) for name, one in privileges.items()}
        await self.cause("privileges", {"client": client, "revoke": revoke})

    async def counters(self) -> dict[str, int]:
        """Return the request counters of the sandbox."""
        answer = await self._http.get(f"{self._url}/sandbox/counters")
        counters: dict[str, int] = answer.json()["requests"]
        return counters

    async def requests_of_the_connector(self) -> int:
        """Count the requests that the connector has sent."""
        return (await self.counters()).get(f"client {CONNECTOR_CLIENT}", 0)


class SpotlerUser:
    """Looks up contacts, as a marketer does on the Contacts page."""

    def __init__(self, addresses: Addresses) -> None:
        parts = urlsplit(addresses.spotler_url)
        self._http = httpx.AsyncClient(
            base_url=f"{parts.scheme}://{parts.netloc}/sandbox/", timeout=30, verify=_trust(addresses)
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def contact(self, email: str) -> dict[str, Any] | None:
        """Find a contact by address."""
        return await self._find(email=email)

    async def contact_with_id(self, external_id: str) -> dict[str, Any] | None:
        """Find a contact by external id."""
        return await self._find(externalId=external_id)

    async def contacts(self) -> list[dict[str, Any]]:
        """Return all contacts."""
        answer = await self._http.get("contacts")
        contacts: list[dict[str, Any]] = answer.json()
        return contacts

    async def requests(self) -> dict[str, int]:
        """Return the request counters."""
        counters: dict[str, int] = (await self._http.get("requests")).json()
        return counters

    async def post(self, path: str, body: Mapping[str, Any] | None = None) -> None:
        """Call the control API: faults, opt-outs, bounces."""
        (await self._http.post(path, json=dict(body or {}))).raise_for_status()

    async def recover(self) -> None:
        """Remove all planned faults."""
        (await self._http.delete("faults")).raise_for_status()

    async def wait_for(self, email: str, seen: Callable[[dict[str, Any] | None], bool]) -> float:
        """Wait until `seen` is true for a contact; return the seconds that this took."""
        begin = time.perf_counter()
        while not seen(await self.contact(email)):
            if time.perf_counter() - begin > _WAIT_SECONDS:
                raise TimeoutError("Spotler does not show what was expected")
            await asyncio.sleep(_POLL)
        return time.perf_counter() - begin

    async def _find(self, **query: str) -> dict[str, Any] | None:
        answer = await self._http.get("contacts", params=query)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        answer.raise_for_status()
        found: Any = answer.json()
        if isinstance(found, list):
            return found[0] if found else None
        return dict(found) if found else None


def _identifier(answer: httpx.Response) -> str:
    return answer.headers["OData-EntityId"].rpartition("(")[2].rstrip(")")


def _owner(table: PersonTable, person: str) -> dict[str, str]:
    return {f"{_OWNERS[table]}@odata.bind": f"/{PEOPLE[table].entity_set}({person})"}


def _trust(addresses: Addresses) -> str | bool:
    return addresses.certificate or True


def _json(row: Mapping[str, Any]) -> bytes:
    """Write JSON in ASCII: half of an emoji, from a flow that cuts texts, has no other encoding."""
    return json.dumps(dict(row)).encode()
