"""Relay: a self-hosted, no-code integration relay."""
