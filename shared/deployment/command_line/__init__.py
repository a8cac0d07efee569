"""The `az` command line: calls it, repeats what only came too early, and says what a refusal means."""
