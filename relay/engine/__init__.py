"""Verbs: the only place where several rows change together."""
