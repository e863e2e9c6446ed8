"""Checks that every connector of the catalogue follows the same rules, derived from its records alone."""
