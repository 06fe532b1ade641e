"""Whether the process that started this one still lives."""

import os
import select


class ParentWatch:
    """A process by its id, whether it is this one's parent or stands further up."""

    def __init__(self, process: int) -> None:
        self._process = process
        self._descriptor: int | None = None
        if hasattr(os, "pidfd_open") and not self._unknown():
            self._descriptor = os.pidfd_open(process)  # stays true when the id is used again, and sees zombies

    def ended(self) -> bool:
        """Whether it has ended, killed or not."""
        if self._descriptor is None:
            return self._unknown()
        return bool(select.select([self._descriptor], [], [], 0)[0])

    def _unknown(self) -> bool:
        try:
            os.kill(self._process, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False
