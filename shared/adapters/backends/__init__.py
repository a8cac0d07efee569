"""What the state store and the queues share: SQLite files, errors of Azure."""
