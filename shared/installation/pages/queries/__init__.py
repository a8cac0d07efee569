"""Views and charts: FetchXML, layouts and chart descriptions from what the files of `infra/dataverse/` say."""
