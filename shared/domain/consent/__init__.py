"""Rules of permissions, refusals, the suppression list and bounces."""
