"""Actions of people on runs: replay, release, cancel and search."""
