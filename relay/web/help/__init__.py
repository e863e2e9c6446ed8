"""The pages of the documentation, inside Relay."""
