"""Job operations on audiences and marketing lists."""
