"""What the tests say while they run."""

import time

_BEGAN = time.monotonic()


def step(text: str) -> None:
    """Say what is being done, with the seconds since the beginning."""
    print(f"\n  {time.monotonic() - _BEGAN:4.0f} s  {text}", end="", flush=True)
