"""Templates: compile, render and fuel; the only door to Jinja."""

from relay.templating.faults import words
from relay.templating.filters import FILTERS, Filter
from relay.templating.fuel import Budget
from relay.templating.leaves import JSON, Context, Leaf, compile_leaf, has_template, is_path, names
from relay.templating.missing import Missing
from relay.templating.predicates import TESTS
from relay.templating.trees import Tree, check, compile_tree

__all__ = [
    "FILTERS",
    "JSON",
    "TESTS",
    "Budget",
    "Context",
    "Filter",
    "Leaf",
    "Missing",
    "Tree",
    "check",
    "compile_leaf",
    "compile_tree",
    "has_template",
    "is_path",
    "names",
    "words",
]
