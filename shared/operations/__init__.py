"""The operations of Spotler Jobs, and what runs them."""
