"""Compiles conditions (all, any, not and rules of left, operator and right) once, to evaluate them per context."""

from relay.conditions.compiler import Condition, compile_condition
from relay.conditions.hints import not_numbers
from relay.conditions.operators import OPERATORS, WITHOUT_RIGHT

__all__ = ["OPERATORS", "WITHOUT_RIGHT", "Condition", "compile_condition", "not_numbers"]
