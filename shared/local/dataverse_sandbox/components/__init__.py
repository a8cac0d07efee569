"""Forms, views, web resources, commands, site maps and apps: their checks, their publishing, those of new tables."""
