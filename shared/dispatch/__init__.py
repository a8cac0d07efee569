"""Takes in what triggers bring, and hands it to the use cases; walks over tables."""
