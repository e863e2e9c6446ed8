"""Handles sign-in, permissions and a person's own account."""
