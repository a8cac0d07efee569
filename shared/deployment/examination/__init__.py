"""Examines an installation without changing it: settings, roles, references, health, the Dataverse side."""
