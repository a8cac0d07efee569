"""The commands that install the Dataverse side, deploy the Azure side, and back its state up."""
