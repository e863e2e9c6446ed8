"""Turns an inbound request into a stored event and its runs."""
