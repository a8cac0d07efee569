"""Use cases of mailings: campaigns, interactions and engagement scores on the customer card."""
