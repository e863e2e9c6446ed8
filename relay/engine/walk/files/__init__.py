"""The files of a run: those that its steps read, and those that services answer."""
