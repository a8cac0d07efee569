"""A Dataverse and a Spotler Mail+ on this machine, over real HTTP, to try the connector and to test it."""
