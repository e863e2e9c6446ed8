"""Periodic work of one process: waking workers, alerts, retention, search indexing and key rotation."""
