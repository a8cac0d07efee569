"""The Spotler Connector: keeps Dataverse and Spotler Mail+ in step."""
