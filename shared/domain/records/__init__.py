"""The records, contacts, jobs, outcomes and fingerprints of the synchronisation."""
