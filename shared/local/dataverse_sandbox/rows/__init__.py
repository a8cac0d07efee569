"""The rows and the rules of writing them."""
