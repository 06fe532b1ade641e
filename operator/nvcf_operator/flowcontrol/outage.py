"""What keeps an account's calls from being answered: one cause, so that all who ask are told the same."""

import copy

from nvcf_client.errors import NvcfError

BELIEVED = 3
"""Failures in a row of another kind after which the cause is another one."""

Kind = tuple[type[NvcfError], str, int | None]


class Outage:
    """The failures since the last answer.

    The first one names the cause. Another kind of failure takes its place when it comes several times in a row: a
    server on its way down, or a proxy with two sick servers behind it, does not change the cause at each call.
    """

    def __init__(self) -> None:
        self._cause: NvcfError | None = None
        self._other: Kind | None = None
        self._times = 0

    @property
    def cause(self) -> NvcfError | None:
        """The failure that stands for all; None while the server answers."""
        return self._cause

    def failed(self, error: NvcfError) -> None:
        """A call failed."""
        kind = _kind(error)
        if self._cause is not None and kind == _kind(self._cause):
            self._other, self._times = None, 0
            return
        self._times = self._times + 1 if kind == self._other else 1
        self._other = kind
        if self._cause is None or self._times >= BELIEVED:
            self._cause = copy.copy(error)  # without the frames that it was raised in
            self._other, self._times = None, 0

    def over(self) -> None:
        """A call was answered."""
        self._cause = self._other = None
        self._times = 0


def _kind(error: NvcfError) -> Kind:
    return type(error), str(getattr(error, "obstacle", "")), error.status
