"""What users' tools do to the resource of a run: `tests.support.tools`, by kept connections instead of kubectl."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from nvcf_operator.api.names import FINALIZER
from tests.chaos.environment import NAME, Run
from tests.support import tools
from tests.support.cluster import manifest, resource_path
from tests.support.waiting import eventually

Json = dict[str, Any]

STRIPPED: Mapping[str, Any] = {"metadata": {"finalizers": None}}


def path_of(run: Run, name: str = NAME) -> str:
    """The path of a resource of the run."""
    return resource_path(run.namespace, name)


def born(run: Run, *, annotations: Mapping[str, str], finalizer: bool = False, **spec: Any) -> None:
    """Create the resource with annotations of our group, and perhaps with our finalizer, as a copy has it."""
    run.happened("the manifest is applied")
    body = manifest(NAME, run.function, run.versions[0], **spec)
    body["metadata"]["annotations"] = {f"nvcf-operator.io/{name}": word for name, word in annotations.items()}
    body["metadata"]["finalizers"] = [FINALIZER] if finalizer else []
    run.kube.create(path_of(run, ""), body)


def saved(run: Run, *, status: bool = False) -> Json:
    """A copy of the resource, as `tests.support.tools.copy_of` makes it."""
    return tools.copy_of(run.get(), status=status)


def restore(run: Run, copy: Mapping[str, Any], name: str = NAME) -> str:
    """Bring a copy into the run's namespace under a name: create it, then write its status if it has one; its path."""
    run.happened(f"{name} is made of a copy {'with' if 'status' in copy else 'without'} status")
    body = {part: value for part, value in copy.items() if part != "status"}
    run.kube.create(path_of(run, ""), {**body, "metadata": {**copy["metadata"], "name": name}})
    if "status" in copy:
        write_status(run, copy["status"], name)
    return path_of(run, name)


def write_status(run: Run, status: Mapping[str, Any] | None, name: str = NAME) -> None:
    """Merge into the status; None removes all of it."""
    run.kube.merge(f"{path_of(run, name)}/status", {"status": status})


def replace(run: Run) -> None:
    """Put the manifest in the object's place: annotations and finalizers go, the status stays."""
    run.happened("the manifest takes the object's place")
    eventually(lambda: _replaced(run), bool, within=20, what="the manifest takes the object's place")


def apply_saved(run: Run, copy: Mapping[str, Any]) -> None:
    """Apply a copy that was saved before: manifest, annotations and finalizers are as they were then."""
    run.happened("a saved copy is applied")
    metadata = {part: copy["metadata"][part] for part in ("annotations", "finalizers") if part in copy["metadata"]}
    with suppress(RuntimeError):  # to what goes, no finalizer can be added
        run.kube.merge(path_of(run), {"metadata": metadata, "spec": copy["spec"]})


def strip(run: Run) -> None:
    """Take all finalizers off."""
    run.happened("its finalizers are stripped")
    run.kube.merge(path_of(run), dict(STRIPPED))


def force_away(run: Run) -> None:
    """Delete the resource and strip its finalizers."""
    run.delete()
    strip(run)


def _replaced(run: Run) -> bool:
    found = run.find()
    if found is None:
        return True
    metadata = {"name": NAME, "resourceVersion": found["metadata"]["resourceVersion"]}
    body = {"apiVersion": found["apiVersion"], "kind": found["kind"], "metadata": metadata, "spec": found["spec"]}
    try:
        run.kube.put(path_of(run), body)
    except RuntimeError as error:
        if " 409 " in str(error):
            return False
        raise
    return True
