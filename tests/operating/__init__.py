"""The operator as a user starts it: a process of its own, by its settings, under its own identity."""

from operating.cluster import Namespace, condition_of, manifest
from operating.installation import install
from operating.lagging import LaggingApiServer
from operating.place import Place
from operating.process import FAST, Operator
from operating.team import Team
from operating.waiting import eventually

__all__ = [
    "FAST",
    "LaggingApiServer",
    "Namespace",
    "Operator",
    "Place",
    "Team",
    "condition_of",
    "eventually",
    "install",
    "manifest",
]
