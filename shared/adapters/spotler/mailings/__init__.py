"""Mailings, their statistics, and the interactions of their recipients."""
