"""The token endpoint of Microsoft Entra ID for client credentials."""

from __future__ import annotations

import time
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from shared.local.dataverse_sandbox.http.tokens import TokenRefused, Tokens


def identity_routes(tokens: Tokens) -> list[BaseRoute]:
    """Return the routes `/{tenant}/oauth2/v2.0/token` and the discovery document that MSAL reads first."""

    async def token(request: Request) -> JSONResponse:
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        try:
            return JSONResponse(tokens.issue(form, time.monotonic()))
        except TokenRefused as refused:
            document = {"error": refused.error, "error_description": refused.description}
            return JSONResponse(document, 401 if refused.error == "invalid_client" else 400)

    async def discovery(request: Request) -> JSONResponse:
        root = f"{request.url.scheme}://{request.url.netloc}/{request.path_params['tenant']}"
        return JSONResponse(
            {
                "issuer": f"{root}/v2.0",
                "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
                "token_endpoint": f"{root}/oauth2/v2.0/token",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
                "response_types_supported": ["token"],
                "subject_types_supported": ["pairwise"],
            }
        )

    return [
        Route("/{tenant}/oauth2/v2.0/token", token, methods=["POST"]),
        Route("/{tenant}/v2.0/.well-known/openid-configuration", discovery),
    ]
