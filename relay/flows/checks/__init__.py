"""Checks flow documents and reports each fault with its path."""
