"""Reads events from the platform: the feed, the lists of mailings, unsubscribes."""
