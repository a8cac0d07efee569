"""Addresses and clients of the sandbox. The credentials open nothing else."""

from __future__ import annotations

from dataclasses import asdict, dataclass

TENANT = "organisation"
SPOTLER_KEY, SPOTLER_SECRET = "sandbox-key", "sandbox-secret"
CONNECTOR_CLIENT, CONNECTOR_SECRET = "c0ec7041-0000-4000-8000-000000000001", "connector-secret"
PEOPLE_CLIENT, PEOPLE_SECRET = "people", "people-secret"
COLLEAGUE_CLIENT, COLLEAGUE_SECRET = "c011ea90-0000-4000-8000-000000000002", "colleague-secret"
SERVICE_ROLE, USER_ROLE = "Spotler Service", "Spotler User"


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of the sandbox and its credentials."""

    dataverse_url: str
    dataverse_authority: str
    dataverse_tenant_id: str
    dataverse_client_id: str
    dataverse_client_secret: str
    spotler_url: str
    spotler_key: str
    spotler_secret: str
    certificate: str

    def as_environment(self) -> dict[str, str]:
        """Return the settings that point a connector at the sandbox."""
        return {name.upper(): value for name, value in asdict(self).items() if name != "certificate"}
