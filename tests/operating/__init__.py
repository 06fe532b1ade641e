"""The operator as a user starts it: a process of its own, by its settings, under its own identity."""

from operating.cluster import Namespace, condition_of, manifest
from operating.installation import install
from operating.process import FAST, Operator
from operating.waiting import eventually

__all__ = ["FAST", "Namespace", "Operator", "condition_of", "eventually", "install", "manifest"]
