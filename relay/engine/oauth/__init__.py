"""Connects by OAuth 2.0: clients, authorizations, and the tokens of connections."""
