"""The pure heart: no I/O, no clock, nothing of ours from outside this package."""
