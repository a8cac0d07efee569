"""The demonstration of `make run`: what people do on both sides, and what must follow."""
