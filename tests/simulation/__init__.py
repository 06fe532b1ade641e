"""An NVCF simulator as a process of its own, and everything a test does to it."""

from simulation.control import Control
from simulation.simulator import ACCOUNT, ECHO, KEY, OTHER_KEY, Simulator

__all__ = ["ACCOUNT", "ECHO", "KEY", "OTHER_KEY", "Control", "Simulator"]
