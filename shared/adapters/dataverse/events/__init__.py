"""Parses messages of Dataverse, and routes the rows that they name."""
