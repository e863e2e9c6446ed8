"""Outcomes of walks become rows."""
