"""The Web API: HTTP, batches, OData, FetchXML, tokens, limits."""
