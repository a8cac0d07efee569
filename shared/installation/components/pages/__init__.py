"""The kinds that users see: views, charts, forms, tabs, commands, the dashboard and the app."""
