"""Reads schema, registered steps, privileges and access rights."""
