"""Which versions CloudFunctions have found up to date in this process, for the FunctionDeployments that wait for that.

A version of the history is brought up to date when it comes into use again, and before it is deployed: a change of tags
must not run beside the POST of its deployment, and secrets are to be right from the first instance on.
"""

from collections.abc import Callable
from dataclasses import dataclass

from nvcf_operator.api.names import Key


@dataclass(frozen=True, slots=True)
class Findings:
    """What the last reconcile of a CloudFunction has found."""

    uid: str
    generation: int
    versions: frozenset[str] = frozenset()
    """The versions in use that are up to date."""
    able: bool = True
    """Whether it can change anything: its key works, and nothing else stands in its way."""


class VersionsUpToDate:
    """The findings of all CloudFunctions.

    Args:
        wake: called with each FunctionDeployment that waits no longer.

    """

    def __init__(self, wake: Callable[[Key], None] = lambda key: None) -> None:
        self._wake = wake
        self._found: dict[Key, Findings] = {}
        self._waiting: dict[Key, dict[Key, str]] = {}
        """By CloudFunction, the FunctionDeployments that wait, each with the version."""

    def note(self, function: Key, found: Findings) -> None:
        """Note what a reconcile has found, and wake those that have waited for it."""
        self._found[function] = found
        waiting = self._waiting.get(function, {})
        for key in [key for key, version in waiting.items() if not found.able or version in found.versions]:
            del waiting[key]
            self._wake(key)
        if not waiting:
            self._waiting.pop(function, None)

    def forget(self, function: Key) -> None:
        """Drop the findings of a CloudFunction that is gone, or changes nothing; nobody waits for it."""
        self._found.pop(function, None)
        for key in self._waiting.pop(function, {}):
            self._wake(key)

    def prune(self, is_there: Callable[[Key], bool]) -> None:
        """Drop the findings of CloudFunctions that are gone."""
        for function in [key for key in self._found if not is_there(key)]:
            self.forget(function)

    def awaits(self, key: Key, function: Key, uid: str, generation: int, version: str) -> bool:
        """Whether a FunctionDeployment has to wait for a version to be brought up to date; it is woken then.

        Args:
            key: of the FunctionDeployment.
            function: of the CloudFunction.
            uid: of the CloudFunction as it is by now.
            generation: of the CloudFunction as it is by now.
            version: the version.

        """
        found = self._found.get(function)
        same = found is not None and (found.uid, found.generation) == (uid, generation)
        if found is not None and same and (not found.able or version in found.versions):
            return False
        self._waiting.setdefault(function, {})[key] = version
        return True
