"""What is known of mailings: their documents, statistics, campaigns, and findings about the account."""
