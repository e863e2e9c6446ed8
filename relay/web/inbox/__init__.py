"""The pages of the built-in inbox and of rejected requests."""
