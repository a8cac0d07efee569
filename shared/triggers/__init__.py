"""Azure bindings: parse what arrives, call one use case, translate its result."""
