"""Claims, orders, runs, records and reports jobs."""
