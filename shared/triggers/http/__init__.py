"""What all HTTP functions share: access, rates, parsing of requests, answers."""
