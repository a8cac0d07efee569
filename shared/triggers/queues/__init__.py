"""The functions of the three queues: Dataverse messages, the live lane, the bulk lane."""
