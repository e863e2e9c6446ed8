"""Dry runs, which show what a flow would do with an event: nothing is sent and nothing is stored."""
