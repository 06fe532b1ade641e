"""Progress of what is being done."""

import sys
import time

_BEGAN = time.monotonic()


def say(text: str) -> None:
    """Write a line, with the seconds since the beginning."""
    print(f"e2e-argocd {time.monotonic() - _BEGAN:4.0f} s  {text}", file=sys.stderr, flush=True)
