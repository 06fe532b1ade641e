"""The event loop: uvloop, whose sockets and TLS are compiled code, or the standard library's where there is none."""

import asyncio

try:
    import uvloop
except ImportError:  # it does not exist for Windows
    uvloop = None  # type: ignore[assignment]


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Make the loop that the operator runs in."""
    return asyncio.new_event_loop() if uvloop is None else uvloop.new_event_loop()
