"""The kinds of components: how each is read, compared, created, changed and removed. `plan.py` decides."""
