"""Mapping service and its versions, preview, drift, explain, health, monitor."""
