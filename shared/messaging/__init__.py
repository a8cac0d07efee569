"""Queue: Azure Service Bus, and SQLite as the embedded default; one contract."""
