"""Holds one file with data for each connector; the registry loads all of them."""
