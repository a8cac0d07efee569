"""Asks a running app over HTTPS."""

import httpx

from shared.deployment.running import HealthAnswer

_TIMEOUT = 60.0
"""Seconds for one answer: the first one comes after a cold start."""


class HttpsWeb:
    """Implements `Web`."""

    def health(self, host: str, key: str) -> HealthAnswer:
        """See Web. The key travels in a header, not in an address that proxies log."""
        try:
            answer = httpx.get(f"https://{host}/api/health", headers={"x-functions-key": key}, timeout=_TIMEOUT)
        except httpx.HTTPError:
            return HealthAnswer(0)
        try:
            report = answer.json()
        except ValueError:
            return HealthAnswer(answer.status_code)
        return HealthAnswer(answer.status_code, problems_of(report))


def problems_of(report: object) -> tuple[str, ...]:
    """Return the cause of each part of a health report that is not well."""
    if not isinstance(report, dict) or report.get("healthy"):
        return ()
    if cause := report.get("cause"):
        return (str(cause),)
    parts = report.get("services")
    found = [
        f"{name}: {part.get('cause') or part.get('problem') or 'it does not answer'}"
        for name, part in (parts.items() if isinstance(parts, dict) else ())
        if isinstance(part, dict) and part.get("ok") is False
    ]
    return tuple(found) or ("something is not well: see GET /api/health",)
