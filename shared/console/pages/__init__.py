"""The pages, one module each: reads a use case, returns a page or does one act."""
