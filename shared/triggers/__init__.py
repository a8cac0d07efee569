"""Azure Functions blueprints. A function body parses, calls a use case, translates the answer."""
