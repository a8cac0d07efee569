"""HTTP for the clients of both services: bounded answers, observed requests, bounded concurrency with shared pauses."""
