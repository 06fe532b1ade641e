"""The resolver of a cluster without a network."""

import struct

from hack.e2e.kind.resolver import answer

QUESTION = b"\7example\3com\0" + struct.pack("!HH", 1, 1)
QUERY = struct.pack("!6H", 0x1234, 0x0100, 1, 0, 0, 1) + QUESTION + b"\0\0\x29" + bytes(8)


def test_it_says_that_there_is_no_such_name_and_repeats_the_question_only() -> None:
    reply = answer(QUERY)
    assert reply is not None
    number, flags, questions, *others = struct.unpack("!6H", reply[:12])
    assert (number, questions, others) == (0x1234, 1, [0, 0, 0])
    assert flags & 0x8000, "it is an answer"
    assert flags & 0xF == 3, "no such name"
    assert reply[12:] == QUESTION


def test_what_is_no_query_gets_no_answer() -> None:
    assert answer(b"") is None
    assert answer(QUERY[:2] + b"\x81" + QUERY[3:]) is None
