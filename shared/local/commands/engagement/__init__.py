"""Commands on mailings and engagement scores."""
