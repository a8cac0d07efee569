"""The app Spotler Hub: site map, dashboard, and the commands in the command bars."""
