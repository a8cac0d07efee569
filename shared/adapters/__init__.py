"""The ports implemented: Dataverse, Spotler, storage, messaging, Excel."""
