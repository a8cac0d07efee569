"""The desired state: reads `infra/dataverse/` into frozen values."""
