"""SQLite files and errors of Azure, for the state store and the queues."""
