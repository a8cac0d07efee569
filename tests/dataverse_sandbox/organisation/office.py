"""One organisation in which people have each of the roles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from shared.local.dataverse_sandbox.organisation.privileges import Access, Privilege
from tests.dataverse_sandbox.session import (
    Dataverse,
)

READ_ONLY, USER, MARKETER, SELLER = "Spotler Read Only", "Spotler User", "Spotler Marketer", "seller"


SALES = {Privilege(access, "contact") for access in (Access.READ, Access.WRITE, Access.APPEND, Access.APPEND_TO)}


OWN_TABLES = ("dh_spotlerinfos", "dh_spotlerpermissions", "dh_spotlerjobs", "dh_spotlerautomations")


SYNC_CONTACT = 480000006


FETCH = (
    "<fetch><entity name='contact'>"
    "<link-entity name='dh_spotlerpermission' from='dh_customerid' to='contactid' link-type='any'/>"
    "</entity></fetch>"
)


@dataclass
class Office:
    """One organisation with an administrator, somebody with each role, and a seller who has none of ours."""

    admin: Dataverse
    clients: dict[str, httpx.Client]
    contact: str
    permission: str

    def __getitem__(self, name: str) -> httpx.Client:
        return self.clients[name]

    def row(self) -> dict[str, Any]:
        """A permission row to create."""
        return {"dh_name": "Offers", "dh_CustomerId_contact@odata.bind": f"/contacts({self.contact})"}

    def names(self) -> list[str]:
        return [row["dh_name"] for row in self.admin.values("dh_spotlerpermissions")]


def refused(answer: httpx.Response, name: str) -> bool:
    """Whether an answer is that a privilege is missing."""
    error = answer.json()["error"]
    return (
        answer.status_code == 403
        and error["code"] == "0x80040220"
        and f"is missing {name} privilege" in error["message"]
    )
