"""What `plan` plans for: the FunctionDeployments and CloudFunctions of files, folders and standard input."""

import os
import stat
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from nvcf_operator.api import names
from nvcf_operator.api.names import KINDS, Key
from nvcf_operator.commands.plan.input import documents
from nvcf_operator.commands.plan.input.documents import DocumentError
from nvcf_operator.commands.plan.input.metadata import checked_metadata, shown, unknown_members
from nvcf_operator.commands.plan.input.validation import validated
from nvcf_operator.commands.plan.model import Manifest, Source

ENDINGS: Final = (".yaml", ".yml", ".json")
"""Of the files that are read of a folder."""

STDIN: Final = "-"

DEFAULT_NAMESPACE: Final = "default"

_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml")
_BY_NAME = {kind.name: kind for kind in KINDS}


class InputError(Exception):
    """What was given cannot be planned for.

    Attributes:
        lines: what is wrong, where, and what to do: one line for each mistake, then one for each warning.

    """

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)


@dataclass(frozen=True, slots=True)
class Input:
    """What was read.

    Attributes:
        manifests: in the order in which they were read.
        skipped: how many documents of other kinds there were, by kind.
        warnings: what the API server would warn of, or what is odd about the input, a line each.

    """

    manifests: tuple[Manifest, ...]
    skipped: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def read(paths: Sequence[str], *, namespace: str | None, stdin: Callable[[], bytes]) -> Input:
    """Read everything that the paths name.

    Args:
        paths: files, folders, or `-` for standard input.
        namespace: for manifests that name none.
        stdin: gives all of standard input.

    Raises:
        InputError: something cannot be read, or no API server would take it; it lists every mistake.

    """
    reader = _Reader(namespace or DEFAULT_NAMESPACE)
    if paths.count(STDIN) > 1:
        raise InputError(["-f - is given more than once, and standard input can be read only once"])
    for path in paths:
        if path == STDIN:
            reader.take(STDIN, stdin, in_folder=False)
            continue
        found, in_folder = reader.files(path)
        for file in found:
            reader.take(file, Path(file).read_bytes, in_folder=in_folder)
    return reader.finish()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an object was read, for messages."""

    source: Source
    line: int

    def __str__(self) -> str:
        return _place(self.source, self.line)


def _place(source: Source, line: int | None) -> str:
    file = "standard input" if source.file == STDIN else source.file
    return f"{file}, document {source.document}" + (f", line {line}" if line is not None else "")


class _Reader:
    """Collects what is read, and every mistake."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._manifests: list[Manifest] = []
        self._places: dict[Key, _Place] = {}
        self._skipped: Counter[str] = Counter()
        self._errors: list[str] = []
        self._warnings: list[str] = []

    def files(self, path: str) -> tuple[list[str], bool]:
        """The files that a path names, and whether it is a folder."""
        if not os.path.isdir(path):
            return [path], False
        found: list[str] = []

        def unreadable(error: OSError) -> None:
            self._errors.append(f"{error.filename}: the folder cannot be read: {error.strerror}")

        for folder, folders, files in os.walk(path, onerror=unreadable):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            if any(name in _KUSTOMIZATIONS for name in files):
                self._warnings.append(
                    f"{folder} has a kustomization, but its files are planned as they are. To plan what it renders, "
                    f"run `kubectl kustomize {folder} | nvcf-operator plan -f -`"
                )
            found += [os.path.join(folder, name) for name in sorted(files) if name.endswith(ENDINGS)]
        # A pipe that nobody writes to, or a device, would be read for ever.
        special = [file for file in found if _is_special(file)]
        self._errors += [f"{file}: it is a pipe, a socket or a device. Take it out of the folder" for file in special]
        if not found:
            self._errors.append(f"{path}: the folder contains no file that ends in {', '.join(ENDINGS)}")
        return [file for file in found if file not in special], True

    def take(self, file: str, content: Callable[[], bytes], *, in_folder: bool) -> None:
        """Read one file."""
        try:
            text = documents.decoded(content())
        except OSError as error:
            self._errors.append(f"{file}: {_unreadable(error)}")
            return
        except DocumentError as error:
            self._errors.append(f"{_place(Source(file, error.number), error.line)}: {error}")
            return
        for item in documents.documents(text, is_json=file.endswith(".json")):
            source = Source(file, item.number)
            if isinstance(item, DocumentError):
                self._errors.append(f"{_place(source, item.line)}: {item}")
            elif item.value is not None:
                self._object(item.value, _Place(source, item.line), in_folder=in_folder)

    def _object(self, value: Any, place: _Place, *, in_folder: bool) -> None:
        if not isinstance(value, dict):
            self._not_an_object(place, "it is not a mapping", in_folder)
            return
        version, kind = value.get("apiVersion"), value.get("kind")
        if not (isinstance(version, str) and version and isinstance(kind, str) and kind):
            what = "apiVersion" if not (isinstance(version, str) and version) else "kind"
            # Such as the values of a chart, beside the manifests.
            self._not_an_object(place, f"it has no {what}", in_folder and not (version and kind))
            return
        if kind.endswith("List") and isinstance(items := value.get("items"), list):
            for item in items:
                self._object(_typed(item, version, kind), place, in_folder=False)
        elif version.partition("/")[0] != names.GROUP or "/" not in version:
            self._skipped[kind] += 1
        elif version != names.API_VERSION:
            self._error(place, f"apiVersion {shown(version)} is not known. Use {names.API_VERSION}")
        elif kind not in _BY_NAME:
            self._error(place, f"kind {shown(kind)} is not known. {names.GROUP} has {' and '.join(_BY_NAME)}")
        else:
            self._manifest(value, place)

    def _not_an_object(self, place: _Place, why: str, skipped: bool) -> None:
        if skipped:
            self._skipped["no kind"] += 1
        else:
            self._error(place, f"this is not a Kubernetes object: {why}")

    def _manifest(self, value: dict[str, Any], place: _Place) -> None:
        kind = _BY_NAME[value["kind"]]
        metadata, problems = checked_metadata(value.get("metadata"), self._namespace)
        found = validated(kind, value)
        title = f"{kind} {shown(str(metadata.get('name', 'without a name')))}"
        warnings = (*unknown_members(value.get("metadata")), *found.warnings)
        self._warnings += [f"{place}: {title}: {text}" for text in warnings]
        if problems or found.errors:
            self._errors += [f"{place}: {title}: {text}" for text in (*problems, *found.errors)]
            return
        key = Key(metadata["namespace"], metadata["name"], kind)
        if (first := self._places.setdefault(key, place)) is not place:
            self._error(place, f"{kind} {key.namespace}/{key.name} is also in {first}. Keep only one of the two")
            return
        document = {"apiVersion": names.API_VERSION, "kind": kind.name, "metadata": metadata, "spec": found.spec}
        self._manifests.append(Manifest(place.source, document, applied=found.applied))

    def _error(self, place: _Place, text: str) -> None:
        self._errors.append(f"{place}: {text}")

    def finish(self) -> Input:
        """Give what was read.

        Raises:
            InputError: there were mistakes.

        """
        if self._errors:
            raise InputError([*self._errors, *(f"warning: {text}" for text in self._warnings)])
        return Input(tuple(self._manifests), dict(sorted(self._skipped.items())), tuple(self._warnings))


def _is_special(file: str) -> bool:
    try:
        return not stat.S_ISREG(os.stat(file).st_mode)
    except OSError:
        return False  # reading it will say why


def _unreadable(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file or folder"
    return f"it cannot be read: {error.strerror or type(error).__name__}"


def _typed(item: Any, version: str, kind: str) -> Any:
    """An item of a list; one of a typed list may leave out what the list's own kind says."""
    if not isinstance(item, dict) or kind == "List" or "kind" in item:
        return item
    return {"apiVersion": version, "kind": kind.removesuffix("List"), **item}
