"""The kinds of components: what they read, compare, create, change and remove."""
