"""The organisation: users, privileges, registered steps, service endpoint."""
