"""Installs the connector in a Dataverse organisation, from the desired state in `infra/dataverse/`."""
