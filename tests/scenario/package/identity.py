"""The identity endpoint of a function app: gives tokens of the sandbox to the one client id that is assigned."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from shared.local.sandbox.command import Addresses
from shared.local.sandbox.serving import serve

HEADER = "header-of-the-identity-endpoint"
"""A secret that Azure gives to the app's process, and to no other."""


@asynccontextmanager
async def identity_endpoint(addresses: Addresses, client: str) -> AsyncIterator[dict[str, str]]:
    """Serve while the block runs; yields the environment that Azure gives an app with an assigned identity."""

    async def token(request: Request) -> JSONResponse:
        if request.headers.get("x-identity-header") != HEADER or request.query_params.get("client_id") != client:
            return JSONResponse({"message": "no such identity"}, 400)
        form = {
            "grant_type": "client_credentials",
            "client_id": addresses.dataverse_client_id,
            "client_secret": addresses.dataverse_client_secret,
            "scope": f"{addresses.dataverse_url}/.default",
        }
        url = f"{addresses.dataverse_authority}/{addresses.dataverse_tenant_id}/oauth2/v2.0/token"
        async with httpx.AsyncClient() as http:
            granted = (await http.post(url, data=form)).raise_for_status().json()
        expiry = int(time.time()) + int(granted["expires_in"])
        return JSONResponse({**granted, "expires_on": str(expiry), "resource": request.query_params["resource"]})

    async with serve(Starlette(routes=[Route("/msi/token", token)])) as at:
        yield {"IDENTITY_ENDPOINT": f"{at.url}/msi/token", "IDENTITY_HEADER": HEADER}
