"""Processor time of planning and of whole batches, without processes of others."""
