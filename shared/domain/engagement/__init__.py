"""Rules of mailings: statistics, interactions, machine clicks, unsubscribes, engagement scores."""
