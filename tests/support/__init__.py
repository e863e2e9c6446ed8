"""Helpers that tests share: servers, recorded requests, walks, and measurements."""
