"""The pages of runs: the list, one run, and actions on one or many."""
