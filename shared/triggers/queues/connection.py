"""The name of the setting that all queue triggers use."""

SERVICE_BUS = "SERVICE_BUS"
"""The app setting (or setting prefix, for managed identity) of the Service Bus namespace."""
