"""The commands that install the Dataverse side and deploy the Azure side."""
