"""Security roles and the application user."""
