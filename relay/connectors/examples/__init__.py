"""Holds examples of what senders send: one JSON file for each preset, with made-up values, read by `loader`."""
