"""Which Dataverse column fills which Spotler property."""
