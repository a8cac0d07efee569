"""The console: pages for administrators and marketers, rendered on the server."""
