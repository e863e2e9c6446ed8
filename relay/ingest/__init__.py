"""Ingest: the small ASGI application behind `/in/`."""
