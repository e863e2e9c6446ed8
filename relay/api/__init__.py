"""The REST API under /api/v1/: bearer tokens, one module per noun, loaded with the first call."""
