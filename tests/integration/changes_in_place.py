"""What tests of changes in place ask of NVCF and of Events."""

from tests.support.functions import MARK, Functions, Json
from tests.support.waiting import eventually


def shown(functions: Functions, version: str | None = None) -> Json:
    """A version as NVCF holds it; the latest by default."""
    wanted = version or functions.latest()
    [found] = [item for item in functions.versions() if item["versionId"] == wanted]
    return {**found, **(found.get("details") or {})}


def tags(functions: Functions, version: str | None = None) -> set[str]:
    """The tags of a version but for the operator's own."""
    return {tag for tag in shown(functions, version).get("tags") or () if not tag.startswith(MARK)}


def until_tags(functions: Functions, wanted: set[str], version: str | None = None) -> None:
    """Wait until a version has these tags."""
    eventually(lambda: tags(functions, version), lambda found: found == wanted, within=40, what="the tags are there")


def changes(functions: Functions) -> list[str]:
    """The changes that were asked for in NVCF since the functions were registered."""
    return [name for name in functions.operations() if not name.startswith("create")]


def drifts(functions: Functions) -> int:
    """How many Events of drift there are."""
    return [reason for _, reason, _ in functions.namespace.events("llama")].count("Drift")
