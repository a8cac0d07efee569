"""Job operations on tags and scores."""
