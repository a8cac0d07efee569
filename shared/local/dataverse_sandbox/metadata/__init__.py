"""Tables, columns and relationships of the simulated organisation."""
