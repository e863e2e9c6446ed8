"""Compiles and renders templates within limits. The only package that uses Jinja."""

from relay.templating.faults import words
from relay.templating.files import READING
from relay.templating.filters import FILTERS, Filter
from relay.templating.fuel import Budget, text_bytes, yield_by
from relay.templating.leaves import JSON, Context, Leaf, compile_leaf, has_template, is_path, names
from relay.templating.missing import Missing
from relay.templating.pieces import Piece, pieces
from relay.templating.predicates import TESTS
from relay.templating.secrecy import Use, use_of
from relay.templating.trees import Tree, check, compile_tree

__all__ = [
    "FILTERS",
    "JSON",
    "READING",
    "TESTS",
    "Budget",
    "Context",
    "Filter",
    "Leaf",
    "Missing",
    "Piece",
    "Tree",
    "Use",
    "check",
    "compile_leaf",
    "compile_tree",
    "has_template",
    "is_path",
    "names",
    "pieces",
    "text_bytes",
    "use_of",
    "words",
    "yield_by",
]
