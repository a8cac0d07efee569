"""The weights of engagement scores that are live: their versions, a preview of others, and the change."""
