"""What a mailing costs: over twins that make events up, and through the app."""
