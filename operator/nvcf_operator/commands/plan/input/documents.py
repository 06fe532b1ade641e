"""The documents of a YAML or JSON text, read as kubectl reads them, with the lines that they begin in.

Stricter than YAML where a mistake would be planned for: a duplicate key is refused. Looser than PyYAML where
kubectl is: timestamps and clock times are texts, `1e3` is a number, and keys become texts.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from nvcf_client import keys
from nvcf_operator.commands.plan.input.loader import DEEPEST, Loader, plain, quoted

_MARKER = re.compile(r"^---(?=\s|$)", re.M)
_NOTHING = re.compile(r"(\s*(#[^\n]*)?(\n|\Z))*")
_DIRECTIVES = re.compile(r"(\s*([#%][^\n]*)?(\n|\Z))*")
_TEMPLATE = re.compile(r"\{\{.*\}\}")


class DocumentError(Exception):
    """A text that cannot be read. The text says why, and holds no key.

    Attributes:
        line: where, from 1; None if that is not known.
        number: the document, from 1.

    """

    def __init__(self, text: str, *, line: int | None, number: int) -> None:
        super().__init__(keys.redacted(text))
        self.line = line
        self.number = number


@dataclass(frozen=True, slots=True)
class Document:
    """One document: its number in the text and the line it begins in, both from 1, and its value; None if empty."""

    number: int
    line: int
    value: Any


def decoded(raw: bytes) -> str:
    """The text of a file.

    Raises:
        DocumentError: it is not UTF-8.

    """
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The position counts from behind a byte order mark.
        before = raw.removeprefix(b"\xef\xbb\xbf")[: error.start]
        number = len(_MARKER.findall(before.decode("utf-8", "replace"))) or 1
        text = f"it is not UTF-8 (byte 0x{error.object[error.start]:02x}). Save the file as UTF-8"
        raise DocumentError(text, line=before.count(b"\n") + 1, number=number) from None


def documents(text: str, *, is_json: bool = False) -> Iterator[Document | DocumentError]:
    """All documents of a text, and the error of each one that cannot be read; of broken JSON nothing more follows.

    Args:
        text: the whole text.
        is_json: whether it has to be JSON; any text that begins with a brace is tried as JSON first.

    """
    if is_json or text.lstrip().startswith("{"):
        found = list(_json_documents(text))
        if is_json or not any(isinstance(item, DocumentError) for item in found):
            yield from found
            return
    number = 0
    for start, piece in _pieces(text):
        line = text.count("\n", 0, start) + 1
        if _NOTHING.fullmatch(piece.removeprefix("---")):
            if start or piece.startswith("---"):  # what stands above the first marker is no document
                number += 1
                yield Document(number, line, None)
            continue
        for item in _yaml_documents(piece, line, number + 1):
            number = item.number
            yield item


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """The text, cut at each `---`, with where each piece begins; directives stay with the marker that they precede."""
    begin = 0
    for marker in _MARKER.finditer(text):
        piece = text[begin : marker.start()]
        if "%" in piece and _DIRECTIVES.fullmatch(piece):
            continue
        if piece:
            yield begin, piece
        begin = marker.start()
    if begin < len(text):
        yield begin, text[begin:]


def _yaml_documents(piece: str, line: int, number: int) -> Iterator[Document | DocumentError]:
    """The documents between two markers: one, and more only where `...` ends one."""
    loader: Any = None
    try:
        loader = Loader(piece)
        while loader.check_node():
            node = loader.get_node()
            value = plain(loader.construct_document(node))
            yield Document(number, line + node.start_mark.line, value)
            number += 1
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = line + mark.line if mark is not None else line
        yield DocumentError(_explained(error, piece, mark), line=at, number=number)
    except yaml.reader.ReaderError as error:
        at = line + piece.count("\n", 0, error.position) if isinstance(error.position, int) else line
        yield DocumentError(f"it has a character that YAML does not allow ({error.reason})", line=at, number=number)
    except (yaml.YAMLError, ValueError) as error:
        yield DocumentError(str(error) or "it is not YAML", line=line, number=number)
    except RecursionError:
        yield DocumentError(f"it is nested more than {DEEPEST} levels deep", line=line, number=number)
    finally:
        if loader is not None:
            loader.dispose()


def _explained(error: yaml.MarkedYAMLError, piece: str, mark: yaml.Mark | None) -> str:
    problem = error.problem or error.context or "it is not YAML"
    lines = piece.splitlines()
    near = "\n".join(lines[max(0, mark.line - 1) : mark.line + 1]) if mark is not None else ""
    if _TEMPLATE.search(near):
        return f"{problem}. This is a template: render it first, for example with `helm template`, and plan the output"
    if "cannot start any token" in problem and "\t" in near:
        return f"{problem}. YAML is indented with spaces, not with tabs"
    return problem


def _json_documents(text: str) -> Iterator[Document | DocumentError]:
    decoder, at, number = json.JSONDecoder(object_pairs_hook=_pairs), 0, 0
    while True:
        at = next((i for i in range(at, len(text)) if not text[i].isspace()), len(text))
        if at == len(text):
            return
        number, line = number + 1, text.count("\n", 0, at) + 1
        try:
            value, at = decoder.raw_decode(text, at)
            yield Document(number, line, plain(value))
        except json.JSONDecodeError as error:
            yield DocumentError(f"it is not JSON: {error.msg}", line=error.lineno, number=number)
            return
        except ValueError as error:
            yield DocumentError(str(error), line=line, number=number)
            return
        except RecursionError:
            yield DocumentError(f"it is nested more than {DEEPEST} levels deep", line=line, number=number)
            return


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {quoted(key)} appears twice in the same object. Remove one of them")
        found[key] = value
    return found
