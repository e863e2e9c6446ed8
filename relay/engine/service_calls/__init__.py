"""Calls of services outside of runs: tests of connections, and lists of choices for forms."""
