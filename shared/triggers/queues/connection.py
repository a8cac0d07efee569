"""Names that the bindings share."""

SERVICE_BUS = "SERVICE_BUS"
"""The app setting (or setting prefix, for managed identity) that leads to the Service Bus namespace."""
