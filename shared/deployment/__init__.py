"""Deploys the Azure side: the package of the code, the steps on the `az` command line, checks of a running app."""
