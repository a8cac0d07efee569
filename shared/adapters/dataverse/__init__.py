"""Everything that knows Dataverse's wire."""
