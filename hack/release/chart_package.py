"""The chart of a release: the chart of the checkout, with what only a release knows."""

import shutil
from pathlib import Path
from typing import Any

import yaml

from hack.chart import CHART, Helm
from hack.release.images import PLATFORMS
from hack.release.version import ROOT

EXAMPLES = ("cloudfunction.yaml", "functiondeployment.yaml")
"""Of `deploy/examples`: what Artifact Hub shows of each kind."""


def package_chart(helm: Helm, folder: Path, scratch: Path, *, registry: str, changes: list[str]) -> Path:
    """Package the chart, and give the archive.

    Args:
        helm: packages it; it also checks it.
        folder: where the archive goes.
        scratch: an empty folder.
        registry: of the image; the packaged chart takes it from there. Empty: users set it themselves.
        changes: what is new for users, a line each, for Artifact Hub.

    """
    copy = scratch / CHART.name
    shutil.copytree(CHART, copy)
    described = (copy / "Chart.yaml").read_text()
    facts = yaml.safe_load(described)
    added = {
        "artifacthub.io/changes": _text(changes),
        "artifacthub.io/crds": _text([_described(file) for file in sorted((ROOT / "crds").glob("*_*.yaml"))]),
        "artifacthub.io/crdsExamples": _text([_first(ROOT / "deploy" / "examples" / name) for name in EXAMPLES]),
    }
    if registry:
        image = f"{registry}/nvcf-operator:{facts['appVersion']}"
        added["artifacthub.io/images"] = _text([{"name": "nvcf-operator", "image": image, "platforms": [*PLATFORMS]}])
        _set_registry(copy / "values.yaml", registry)
    facts["annotations"] = {**facts.get("annotations", {}), **added}
    (copy / "Chart.yaml").write_text(yaml.safe_dump(facts, sort_keys=False, allow_unicode=True))
    helm("lint", "--strict", str(copy))
    helm("package", str(copy), "--destination", str(folder))
    return folder / f"{facts['name']}-{facts['version']}.tgz"


def _text(value: Any) -> str:
    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=10_000))


def _first(file: Path) -> Any:
    return next(each for each in yaml.safe_load_all(file.read_text()) if each)


def _described(file: Path) -> dict[str, str]:
    crd = yaml.safe_load(file.read_text())
    (served,) = crd["spec"]["versions"]
    kind = crd["spec"]["names"]["kind"]
    return {
        "kind": kind,
        "version": served["name"],
        "name": crd["metadata"]["name"],
        "displayName": kind,
        "description": served["schema"]["openAPIV3Schema"]["description"],
    }


def _set_registry(file: Path, registry: str) -> None:
    text = file.read_text()
    empty = '  registry: ""\n  # -- Repository of the image.'
    assert empty in text, f"{file.name} has no empty image.registry"
    file.write_text(text.replace(empty, empty.replace('""', registry)))
    values: dict[str, Any] = yaml.safe_load(file.read_text())
    assert values["image"]["registry"] == registry
