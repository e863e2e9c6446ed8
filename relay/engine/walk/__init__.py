"""A run through its steps: no database, and no network but through the sender it is given."""
