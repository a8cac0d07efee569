"""The Dataverse side, as steps of a deployment: before the app starts, and after it answers.

The steps of Dataverse hear of the columns that the live mapping reads. Only the running app knows it, so the endpoint
and the steps come last; what is saved before is found by the first walk.
"""

from dataclasses import dataclass
from typing import Protocol

from shared.deployment.change_test import ChangeTest
from shared.deployment.request import DeploymentRequest, Installation


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an app before anything is changed; "" while it does not exist, or does not tell.

    `client_id` is that of its identity, `namespace` the host of its Service Bus, `mapping` the live one in YAML.
    """

    client_id: str = ""
    namespace: str = ""
    mapping: str = ""


class DataverseSide(Protocol):
    """What a deployment does in Dataverse. ConfigurationError with cause and cure where Dataverse refuses."""

    def plan(self, request: DeploymentRequest, known: Known) -> list[str]:
        """Return what the next two steps would change, one line each; nothing is changed."""
        ...

    def examine(self, request: DeploymentRequest, known: Known) -> list[str]:
        """Return what is wrong in Dataverse, each with what to do; nothing is changed."""
        ...

    def prepare(self, request: DeploymentRequest, installation: Installation) -> str:
        """Install tables, columns, roles and the application user; return what was done, in words."""
        ...

    def connect(self, request: DeploymentRequest, installation: Installation, mapping: str) -> str:
        """Install the service endpoint and the steps of a mapping in YAML; return what was done, in words."""
        ...

    def try_change(self, request: DeploymentRequest) -> ChangeTest | None:
        """Send one test change through all parts, and wait for its end; None where Dataverse cannot be used."""
        ...


class ByHand:
    """Names the values that the installation of the Dataverse side needs; the key of the queue is in the key vault."""

    def plan(self, request: DeploymentRequest, known: Known) -> list[str]:
        """Nothing is changed in Dataverse."""
        del request, known
        return []

    def examine(self, request: DeploymentRequest, known: Known) -> list[str]:
        """Nothing is read in Dataverse."""
        del request, known
        return []

    def prepare(self, request: DeploymentRequest, installation: Installation) -> str:
        """Change nothing; return what to do."""
        return (
            f"Dataverse side (docs/howto/setup.md): application user with client id {installation.client_id}; service "
            f"endpoint to the queue {installation.queue} of {installation.namespace}, SAS rule {installation.rule}, "
            f"key in the secret dataverse-queue-key of the key vault {installation.vault}; organisation "
            f"{request.dataverse_url}"
        )

    def connect(self, request: DeploymentRequest, installation: Installation, mapping: str) -> str:
        """Change nothing; return what to do, whatever the mapping."""
        del request, mapping
        return (
            "Steps of the live mapping, by a System Administrator of Dataverse: python -m shared install --only steps "
            f"--service-bus {installation.namespace} --sas-key-name {installation.rule}"
        )

    def try_change(self, request: DeploymentRequest) -> ChangeTest | None:
        """Send nothing."""
        del request
        return None
