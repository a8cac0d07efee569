"""The ports: what use cases need from external systems, as Protocols and plain values."""
