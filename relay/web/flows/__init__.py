"""The pages of flows: the list, versions, samples, dry runs and recipes."""
