"""What is committed of the chart's output, for those who use kustomize."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "nvcf-operator"
RENDERED: Mapping[Path, Mapping[str, Any]] = {
    ROOT / "deploy" / "base" / "operator.yaml": {},
    ROOT / "deploy" / "overlays" / "namespaced" / "operator.yaml": {
        "watchNamespaces": ["default"],
        "rbac": {"aggregateToView": False},
    },
}
"""The files, and the values of the chart for each."""
HEAD = "# Rendered from charts/nvcf-operator by `make chart`; change that, not this.\n"


def rendered(template: Callable[..., str], values: Mapping[str, Any]) -> str:
    """The text of such a file, by a helm."""
    flags = [part for name, value in values.items() for part in ("--set-json", f"{name}={json.dumps(value)}")]
    text = template(
        "template", "nvcf-operator", str(CHART), "--namespace", "nvcf-operator-system", "--no-hooks",
        "--set", "crds.install=false", *flags,
    )  # fmt: skip
    lines = [line.rstrip() for line in text.strip().splitlines() if line.strip() and not line.startswith("# Source:")]
    return HEAD + "\n".join(lines) + "\n"


def copy_crd() -> None:
    """Give the chart its copy of the CRD."""
    from nvcf_operator.api.names import CRD_NAME

    plural, _, group = CRD_NAME.partition(".")
    (CHART / "files" / "crd.yaml").write_text((ROOT / "crds" / f"{group}_{plural}.yaml").read_text())
