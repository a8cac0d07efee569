"""Everything that knows Spotler Mail+'s wire: REST client, OAuth 1.0a, adapter."""
