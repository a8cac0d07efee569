"""The Dataverse side, as a step of a deployment."""

from shared.deployment.request import DeploymentRequest, Installation


class ByHand:
    """Names the values that the installation of the Dataverse side needs; the key of the queue is in the key vault."""

    def install(self, request: DeploymentRequest, installation: Installation) -> str:
        """Change nothing; return what to do."""
        return (
            f"Dataverse side (docs/howto/setup.md): application user with client id {installation.client_id}; service "
            f"endpoint to the queue {installation.queue} of {installation.namespace}, SAS rule dataverse, key in the "
            f"secret dataverse-queue-key of the key vault {installation.vault}; organisation {request.dataverse_url}"
        )
