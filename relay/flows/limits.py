"""Defines how many steps a flow may have, and how deep they may be nested."""

MAX_STEPS = 100
MAX_DEPTH = 8
MAX_NESTED_LOOPS = 3
