"""Holds recipes, ready flows with sample events: one JSON file each, read by `loader` on each request."""
