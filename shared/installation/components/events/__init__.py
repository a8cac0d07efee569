"""The service endpoint and its steps."""
