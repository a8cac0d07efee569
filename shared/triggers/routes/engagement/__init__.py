"""HTTP functions of engagement: the weights of scores, visits to websites."""
