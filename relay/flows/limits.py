"""Defines how many steps and paths a flow may have, and how deep steps may be nested."""

MAX_STEPS = 100
MAX_PATHS = 200  # of all branches together
MAX_DEPTH = 8
MAX_NESTED_LOOPS = 3
