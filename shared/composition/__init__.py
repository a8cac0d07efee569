"""Settings, connections and wiring: the only place that builds the object graph."""
