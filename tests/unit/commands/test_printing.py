"""What commands print where a stream is missing or cannot be written, and `plan` without standard input."""

import os
import sys
from pathlib import Path

import pytest

from nvcf_operator.commands import printing
from nvcf_operator.commands.plan import command
from nvcf_operator.commands.plan.input.reading import InputError

Patch = pytest.MonkeyPatch


def test_it_is_utf_8_whatever_the_locale_is(monkeypatch: Patch, tmp_path: Path) -> None:
    with (tmp_path / "out").open("w", encoding="latin-1") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        printing.out("größer\n")
    assert (tmp_path / "out").read_bytes() == "größer\n".encode()


def test_streams_that_were_closed_at_the_start_are_no_error(monkeypatch: Patch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    printing.out("text")
    printing.err("text")
    assert not command._in_colour()
    with pytest.raises(InputError, match="standard input is closed"):
        command._standard_input()


def test_a_full_disk_is_reported_and_ends_the_command(monkeypatch: Patch, tmp_path: Path) -> None:
    with open("/dev/full", "w") as full, (tmp_path / "err").open("w") as errors:
        monkeypatch.setattr(sys, "stdout", full)
        monkeypatch.setattr(sys, "stderr", errors)
        with pytest.raises(SystemExit) as ended:
            printing.out("text")
        assert ended.value.code == printing.NOT_PRINTED
        assert (tmp_path / "err").read_text() == (
            "nvcf-operator: standard output cannot be written: No space left on device\n"
        )
        monkeypatch.setattr(sys, "stderr", full)
        printing.err("text")


def test_standard_input_that_cannot_be_read_is_reported(monkeypatch: Patch, tmp_path: Path) -> None:
    number = os.open(tmp_path / "in", os.O_CREAT | os.O_WRONLY)
    with os.fdopen(number, "w") as written:
        unreadable = open(written.fileno(), closefd=False)  # noqa: SIM115  it has nothing to close
        monkeypatch.setattr(sys, "stdin", unreadable)
        with pytest.raises(InputError, match="standard input cannot be read: Bad file descriptor"):
            command._standard_input()
