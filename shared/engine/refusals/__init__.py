"""Keeps the suppression list: enters and lifts refusals by address, and reads it before anything is planned."""
