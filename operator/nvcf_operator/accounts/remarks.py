"""What is worth one line in the log, however often it is met."""

import logging

MOST = 200
"""So many texts are told; a server that never says the same twice gets no more lines."""

log = logging.getLogger(__name__)


class Remarks:
    """Logs each text once for the life of this process."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def warn(self, text: str) -> None:
        """Log a warning, unless it was logged before."""
        if text not in self._told and len(self._told) < MOST:
            self._told.add(text)
            log.warning("%s", text)
