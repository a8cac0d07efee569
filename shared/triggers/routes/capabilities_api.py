"""The connection check over HTTP: which of Spotler's unpublished calls work with this account."""

from __future__ import annotations

from http import HTTPStatus

import azure.functions as func

from shared.composition import app
from shared.errors import ConnectorError
from shared.triggers.http.answers import json_answer, problem
from shared.triggers.http.http_function import http_function

blueprint = func.Blueprint()


@http_function(blueprint, "check_capabilities")
async def check_capabilities(req: func.HttpRequest) -> func.HttpResponse:
    """Ask Spotler harmless questions, keep what is proven, and answer with the findings and what is on now."""
    try:
        capabilities = (await app.services()).capabilities
        findings = await capabilities.check()
        states = await capabilities.states()
    except ConnectorError as error:
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), {"recovery": error.recovery})
    return json_answer(
        {
            "capabilities": [
                {
                    "capability": finding.capability,
                    "verdict": finding.state,
                    "on": states[finding.capability],
                    "evidence": finding.evidence,
                }
                for finding in findings
            ]
        }
    )
