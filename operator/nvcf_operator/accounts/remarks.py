"""What is worth one line in the log, however often it is met."""

import logging

MOST = 200
"""So many texts are logged; a server that never says the same twice gets no more lines."""

log = logging.getLogger(__name__)


class Remarks:
    """Logs each text once for the life of this process."""

    def __init__(self) -> None:
        self._logged: set[str] = set()

    def warn(self, text: str) -> None:
        """Log a warning, unless it was logged before."""
        if text not in self._logged and len(self._logged) < MOST:
            self._logged.add(text)
            log.warning("%s", text)
