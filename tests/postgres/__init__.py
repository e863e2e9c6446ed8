"""Relay on PostgreSQL, and as separate processes that share it and a Valkey."""
