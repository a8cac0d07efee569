"""The account: contacts, properties, audiences, automations, tags."""
