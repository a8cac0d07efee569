"""The queues in Service Bus and in SQLite."""
