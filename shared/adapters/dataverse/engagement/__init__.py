"""Campaigns of mailings, interactions, activities and scores, written in bulk."""
