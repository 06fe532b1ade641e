"""The operator as a user starts it: a process of its own, by its settings, under its own identity."""

from operating.process import FAST, Operator
from operating.waiting import eventually

__all__ = ["FAST", "Operator", "eventually"]
