"""What users see in Dynamics: forms, views, charts, commands and the app, built from `infra/dataverse/`. Pure."""
