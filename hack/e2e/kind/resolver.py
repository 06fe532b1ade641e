"""Run by its path: a DNS server that says of every name at once that there is none.

Where no network is, a resolver that does not answer costs each lookup of a name outside the cluster many seconds.
"""

from __future__ import annotations

import socket
import sys

_HEADER = 12
"""Bytes: id, flags, and four counts, of which the first is that of the questions."""

_NO_SUCH_NAME = b"\x81\x83"
"""Flags of an answer: recursion was asked for and is there, and the name does not exist."""


def answer(query: bytes) -> bytes | None:
    """The answer to a query; None to what is none."""
    if len(query) < _HEADER or query[2] & 0x80:
        return None
    end = query.find(b"\0", _HEADER) + 1 + 4  # the name ends with an empty label; type and class follow
    return query[:2] + _NO_SUCH_NAME + b"\0\1" + bytes(6) + query[_HEADER:end]


def main(address: str) -> None:
    """Serve until it is killed."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, 53))
        while True:
            query, client = server.recvfrom(4096)
            if (reply := answer(query)) is not None:
                server.sendto(reply, client)


if __name__ == "__main__":
    main(sys.argv[1])
