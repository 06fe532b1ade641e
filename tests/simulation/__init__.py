"""An NVCF simulator as a process of its own, and everything a test does to it."""

from simulation.control import ODD_NAME, Control
from simulation.simulator import ACCOUNT, ECHO, KEY, OTHER_KEY, Simulator

__all__ = ["ACCOUNT", "ECHO", "KEY", "ODD_NAME", "OTHER_KEY", "Control", "Simulator"]
