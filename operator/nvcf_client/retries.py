"""When a call may be made again, and after how long.

Only where a repetition can do no harm:

- a request that was never received (`Unreachable`): any call;
- `Throttled`: calls that are idempotent. A 429 may be passed on from a dependency in the middle of the work; a PUT,
  PATCH or DELETE made again ends in the same state, while a POST could order instances, or make a function, twice;
- `ServerFault` and `OutcomeUnknown`: reading calls only. A write may still be running in the server, and NVCF loses
  updates when two overlap: read first.

Everything else is an answer and is not asked for again.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from nvcf_client.errors import NvcfError, OutcomeUnknown, ServerFault, Throttled, Unreachable
from nvcf_client.requests import Request


@dataclass(frozen=True, slots=True)
class Retries:
    """Jittered exponential backoff, with an end.

    Attributes:
        most: how often a call is made again at most; 0 turns retries off.
        first: longest pause before the first repetition, in seconds; doubles each time.
        longest: no pause is longer, in seconds; a server that asks for more gets no repetition.
        chance: source of numbers in [0, 1).

    """

    most: int = 2
    first: float = 0.5
    longest: float = 30.0
    chance: Callable[[], float] = random.random

    def pause(self, request: Request[object], error: NvcfError, failures: int) -> float | None:
        """Seconds to wait before the call is made again; None if the error is to be raised.

        `failures` counts the failed tries so far, this one included.
        """
        if failures > self.most or not _harmless(request, error):
            return None
        backoff = min(self.first * 2.0 ** (failures - 1), self.longest)
        jittered = backoff * (0.5 + self.chance() / 2)
        if error.retry_after is None:
            return jittered
        if error.retry_after > self.longest:
            return None
        return error.retry_after + jittered - backoff / 2


def _harmless(request: Request[object], error: NvcfError) -> bool:
    match error:
        case Unreachable():
            return True
        case Throttled():
            return request.idempotent
        case ServerFault() | OutcomeUnknown():
            return not request.mutating
        case _:
            return False
