"""What a Dataverse message says, and which rows it concerns."""
