"""Writes what a command prints, as UTF-8 whatever the locale is: a manifest in another encoding is none."""

import os
import sys
from contextlib import suppress
from typing import Final, TextIO

NOT_PRINTED: Final = 1
"""Exit code of every command whose output cannot be written."""


def out(text: str) -> None:
    """Write to standard output, if there is one. A reader that has gone, as `head` has, is no error.

    Raises:
        SystemExit: it cannot be written, such as to a disk that is full.

    """
    try:
        _write(sys.stdout, text)
    except OSError as error:
        err(f"nvcf-operator: standard output cannot be written: {error.strerror}\n")
        sys.exit(NOT_PRINTED)


def err(text: str) -> None:
    """Write to standard error, if there is one and it can be written."""
    with suppress(OSError):
        _write(sys.stderr, text)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:  # it was closed at the start
        return
    number, left = stream.fileno(), text.encode("utf-8", "backslashreplace")
    try:
        while left:
            left = left[os.write(number, left) :]
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)
