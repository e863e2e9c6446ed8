"""Defines the flow document: its types, checks and compiled form, without a database."""
