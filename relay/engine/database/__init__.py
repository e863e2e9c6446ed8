"""Runs the SQL of the hot path, and hides the differences between SQLite and PostgreSQL."""
