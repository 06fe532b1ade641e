"""Events that wait to be written: a line for each namespace, so that one which takes none holds up no other."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from nvcf_operator.kube.notes import Note, Same

MOST_WAITING: Final = 10_000
"""Events of all namespaces that wait at most."""
MOST_LINES: Final = 4096
"""Namespaces that are remembered for what they refused though nothing waits for them."""


@dataclass(slots=True)
class Line:
    """What waits for one namespace, the oldest first.

    Attributes:
        namespace: its name.
        tries: how often the first one was tried.
        due: when it is tried next.
        slow: whether the last try failed or took long.
        refuses: whether the last Event was given up because the namespace takes none.
        ends: whether that was because the namespace is being deleted.
        told: whether the log has told of one that was given up since the last one that was taken.
        in_work: whether it is being tried.

    """

    namespace: str
    notes: OrderedDict[Same, Note] = field(default_factory=OrderedDict)
    tries: int = 0
    due: float = float("-inf")
    slow: bool = False
    refuses: bool = False
    ends: bool = False
    told: bool = False
    in_work: bool = False

    def begin_anew(self) -> None:
        """The first one is another one now."""
        self.tries, self.due = 0, float("-inf")


class Lines:
    """All lines; those that can go on take turns."""

    def __init__(self) -> None:
        self._lines: OrderedDict[str, Line] = OrderedDict()
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting

    @property
    def in_work(self) -> bool:
        """Whether any is being tried."""
        return any(line.in_work for line in self._lines.values())

    def ends(self, namespace: str) -> bool:
        """Whether the namespace was seen to be going away."""
        line = self._lines.get(namespace)
        return line is not None and line.ends

    def add(self, note: Note) -> Line | None:
        """Have an Event wait. When too many do, the oldest of the longest line is given up: that line is returned."""
        line = self._lines.setdefault(note.key.namespace, Line(note.key.namespace))
        waiting = line.notes.get(note.same)
        if waiting is not None:
            waiting.count += note.count
            waiting.last = note.last
            return None
        longest = None
        if self._waiting >= MOST_WAITING:
            longest = max(self._lines.values(), key=lambda each: len(each.notes))
            longest.notes.popitem(last=False)
            self._waiting -= 1
        line.notes[note.same] = note
        self._waiting += 1
        return longest

    def take(self, *, slow: bool, now: float) -> tuple[Line, Note] | None:
        """The first Event of the next line that may be tried, of those that are slow or of the others."""
        for line in self._lines.values():
            if line.notes and line.slow == slow and not line.in_work and line.due <= now:
                self._lines.move_to_end(line.namespace)
                _, note = line.notes.popitem(last=False)
                self._waiting -= 1
                line.in_work = True
                return line, note
        return None

    def put_back(self, line: Line, note: Note) -> None:
        """It was not written: it is the first one again, with what was told of it meanwhile."""
        if (told := line.notes.pop(note.same, None)) is not None:
            note.count, note.last = note.count + told.count, told.last
            self._waiting -= 1
        line.notes[note.same] = note
        line.notes.move_to_end(note.same, last=False)
        self._waiting += 1

    def done(self, line: Line) -> None:
        """A try is over. What is worth nothing any more is forgotten."""
        line.in_work = False
        if not line.notes and not line.refuses and not line.slow:
            self._lines.pop(line.namespace, None)
        if len(self._lines) > MOST_LINES:
            idle = next((each for each in self._lines.values() if not each.notes and not each.in_work), None)
            if idle is not None:
                del self._lines[idle.namespace]

    def due_in(self, *, slow: bool, now: float) -> float | None:
        """Seconds until one of the slow lines, or of the others, may be tried; None when nothing waits there."""
        due = [line.due for line in self._lines.values() if line.notes and line.slow == slow and not line.in_work]
        return max(0.0, min(due) - now) if due else None
