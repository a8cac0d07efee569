"""The office with everybody's roles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from shared.local.pages.roles import SERVICE, roles
from tests.dataverse_sandbox.organisation.office import (
    MARKETER,
    READ_ONLY,
    SALES,
    SELLER,
    USER,
    Office,
)
from tests.dataverse_sandbox.session import (
    CLIENT,
    SECRET,
    Dataverse,
    Exchangeable,
)


@pytest.fixture
def office(server: tuple[Exchangeable, str]) -> Iterator[Office]:
    admin = Dataverse(*server)
    granted = {
        READ_ONLY: roles()[READ_ONLY].privileges,
        USER: roles()[USER].privileges | SALES,
        MARKETER: roles()[MARKETER].privileges | SALES,
        SERVICE: roles()[SERVICE].privileges,
        SELLER: frozenset(SALES),
    }
    admin.restart(clients={CLIENT: SECRET, **dict.fromkeys(granted, SECRET)}, privileges=granted)
    with ExitStack() as stack:
        stack.callback(admin.http.close)
        clients = {
            name: stack.enter_context(
                httpx.Client(
                    base_url=admin.http.base_url, headers={"Authorization": f"Bearer {admin.token(name)}"}, timeout=10
                )
            )
            for name in granted
        }
        contact = admin.create("contacts", lastname="Lee")
        office = Office(admin, {**clients, "administrator": admin.http}, contact, "")
        office.permission = admin.create("dh_spotlerpermissions", **{**office.row(), "dh_name": "Newsletter"})
        yield office
