"""Choosing loopback ports."""

from __future__ import annotations

import contextlib
import random
import socket

_BELOW_EPHEMERAL = range(15_000, 32_000)
"""Linux takes the source ports of outgoing connections from 32768 on. A server that stops for a while and wants its
port back must not find it taken by a client, least of all by one that tries to reach the server and meets itself."""


def free_ports(count: int) -> list[int]:
    """Return distinct loopback TCP ports that nobody listens on now. Another process may still be faster: try again."""
    found: list[int] = []
    with contextlib.ExitStack() as held:
        while len(found) < count:
            port = random.choice(_BELOW_EPHEMERAL)
            candidate = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            with contextlib.suppress(OSError):
                candidate.bind(("127.0.0.1", port))
                found.append(port)
    return found
