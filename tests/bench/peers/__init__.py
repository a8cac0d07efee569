"""The connector beside what a team would write without it, on one simulated Dataverse and one simulated Spotler."""
