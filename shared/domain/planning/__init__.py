"""Decides what should happen to one record and its contact: the plan."""
