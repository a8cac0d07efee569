"""Everything that knows Dataverse's wire: Web API client, execution context, tables."""
