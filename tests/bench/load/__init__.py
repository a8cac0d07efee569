"""The connector under load: saves beside bulk work, and several workers on one queue and one state store."""
