"""Keeps the suppression list, and asks it before anything is written."""
