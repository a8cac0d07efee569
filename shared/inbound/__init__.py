"""Changes in the marketing platform: poll, subscriber import, reviews, reconciliation."""
