"""How long NVCF works on a POST of a deployment.

The server asks its allocator once for each specification that wants instances, one after the other: each call takes up
to 30 s, and is made up to three times when it is answered 5xx. The row is written at the end of all that. A
specification with a minimum of 0 is no call.
"""

from collections.abc import Iterable
from typing import Protocol

CREATE_TIMEOUT = 40.0
"""Seconds for a POST with one specification that asks for instances, or with none."""

CREATE_TIMEOUT_MORE = 30.0
"""Seconds more for each further one: a call to the allocator that is answered at all."""


class HasMinimum(Protocol):
    """A GPU specification, of a manifest, a request or an answer."""

    @property
    def min_instances(self) -> int:
        """Fewest instances that run."""


def allocating(specifications: Iterable[HasMinimum]) -> int:
    """How many of these specifications ask for instances, so how often the server asks its allocator."""
    return sum(item.min_instances > 0 for item in specifications)


def create_timeout(count: int) -> float:
    """Seconds that the client gives a POST in which `count` specifications ask for instances.

    That covers an allocator that answers at its first try. One that fails and is asked again takes longer, so that a
    POST may go on in the server after its answer was given up.
    """
    return CREATE_TIMEOUT + CREATE_TIMEOUT_MORE * max(count - 1, 0)
