"""The report's page, a Jinja template that the report fills."""
