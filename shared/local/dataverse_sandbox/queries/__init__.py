"""OData filters, FetchXML, aggregates, relative dates."""
