"""Finds runs: filters, the words that the search index stores of a run, and the index itself."""
