"""What is synchronised: records, contacts, jobs, outcomes, fingerprints."""
