"""The REST API under /api/v1/, with bearer tokens: one module per resource, loaded with the first call."""
