"""The flow document: its types, its faults with their places, its compiled form; no database."""
