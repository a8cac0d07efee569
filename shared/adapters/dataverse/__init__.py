"""The adapters of Dataverse."""
