"""Which versions of objects are of our own writing, so that their echo from the watch is no news."""

from nvcf_operator.api.names import Key


class OwnWrites:
    """Matches answers and echoes by resourceVersion. What it keeps of a key ends with the next echo, or the work.

    The watch brings every version of an object, one after the other. A write of ours has an answer, too, which has the
    version that it made, and of echo and answer either may come first. So an unknown version that is seen while the key
    is being worked on is kept in doubt until the work ends: by then each answer has come. And a version that was
    neither answered nor known, but older than what an answer brought, is another's change that our write overtook.
    """

    def __init__(self) -> None:
        self._awaited: dict[Key, set[int]] = {}
        self._doubtful: dict[Key, set[int]] = {}

    def answered(self, key: Key, version: int, *, known: int | None) -> None:
        """Note that an answer has shown a worker a version; `known` is the newest one that was known before."""
        doubtful = self._doubtful.get(key, set())
        if version in doubtful:
            doubtful.discard(version)
        elif version != known:
            self._awaited.setdefault(key, set()).add(version)

    def came(self, key: Key, version: int) -> bool:
        """Whether this is the echo of an answer, though earlier ones may still be on their way to `ours`."""
        awaited = self._awaited.get(key, set())
        if version not in awaited:
            return False
        awaited.discard(version)
        if not awaited:
            del self._awaited[key]
        return True

    def ours(self, key: Key, version: int) -> bool:
        """Whether what the watch brings is the echo of an answer. Earlier ones are not awaited any more."""
        awaited = self._awaited.get(key)
        if awaited is None:
            return False
        found = version in awaited
        awaited = {later for later in awaited if later > version}
        if awaited:
            self._awaited[key] = awaited
        else:
            del self._awaited[key]
        return found

    def doubt(self, key: Key, version: int) -> None:
        """Keep in mind a version that was seen while its key is being worked on."""
        self._doubtful.setdefault(key, set()).add(version)

    def settle(self, key: Key) -> bool:
        """At the end of the work: whether a version remains that no answer has shown."""
        return bool(self._doubtful.pop(key, None))

    def forget(self, key: Key) -> None:
        """Drop what is kept of an object that is gone."""
        self._awaited.pop(key, None)
        self._doubtful.pop(key, None)

    @property
    def idle(self) -> bool:
        """Whether no echo and no answer is awaited."""
        return not self._awaited and not self._doubtful
