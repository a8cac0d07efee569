"""Marketing lists become lists in Spotler, and stay equal to what they were when somebody synchronised them (ML)."""
