"""The connection check over HTTP: which of Spotler's unpublished calls work with this account."""

import azure.functions as func

from shared.composition import app
from shared.triggers.http.answers import json_answer
from shared.triggers.http.http_function import http_function


@http_function("check_capabilities")
async def check_capabilities(req: func.HttpRequest) -> func.HttpResponse:
    """Call Spotler without effect, store what is proven, and answer with the findings and what is on now."""
    capabilities = (await app.services()).capabilities
    findings = await capabilities.check()
    states = await capabilities.states()
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
