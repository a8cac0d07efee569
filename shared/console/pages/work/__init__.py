"""Pages of long work: runs, Spotler Jobs, marketing lists."""
