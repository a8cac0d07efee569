"""OData filters, FetchXML, aggregates, relative dates, change tracking."""
