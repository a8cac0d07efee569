"""HTTP, OAuth, paging, retries and errors of the Mail+ REST API."""
