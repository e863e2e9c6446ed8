"""Conditions: all, any, not and rules of left, operator and right, compiled once and asked per context."""

from relay.conditions.compiler import Condition, compile_condition
from relay.conditions.operators import OPERATORS, WITHOUT_RIGHT

__all__ = ["OPERATORS", "WITHOUT_RIGHT", "Condition", "compile_condition"]
