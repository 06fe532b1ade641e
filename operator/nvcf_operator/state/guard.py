"""No reconcile follows another of the same resource at once unless something has changed in between.

Each way to end a reconcile has its own idea of when to come again. What they have in common is here, so that no mistake
in one of them, and no answer of the API server or of NVCF that nobody thought of, makes a worker turn in circles.
"""

from dataclasses import dataclass
from typing import Any

AT_ONCE = 0.05
"""Seconds below which a reconcile counts as coming at once. A settle is waited for in longer steps."""

FIRST = 0.1
"""Seconds of the first pause that is made."""

LONGEST = 60.0
"""Seconds of the longest pause that is made."""


@dataclass(slots=True)
class Guard:
    """One resource's."""

    left: Any = None
    """What the last reconcile has left: unequal to this, something has changed."""
    in_vain: int = 0
    """Reconciles that were to be followed at once by another, though nothing had changed since the one before."""

    def pause(self, wanted: float, left: Any) -> float:
        """Seconds until the next reconcile.

        Args:
            wanted: how soon the reconcile that ends now wants another.
            left: what it has left: the object's version as it is known, and the count of our writes to NVCF.

        """
        if left != self.left:
            self.left, self.in_vain = left, 0
            return wanted
        if wanted >= AT_ONCE:  # what is left of a long wait may well be short, and be no circle
            self.in_vain //= 2
            return wanted
        self.in_vain += 1
        return min(LONGEST, FIRST * 2.0 ** min(self.in_vain - 1, 10))
