"""Use cases over the ports: what happens to people, seen from one lane."""
