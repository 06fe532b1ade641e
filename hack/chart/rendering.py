"""What is committed of the chart's output, for those who use kustomize."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "nvcf-operator"
HEAD = "# Rendered from charts/nvcf-operator by `make chart`; change that, not this.\n"


@dataclass(frozen=True)
class Rendering:
    """One file: the values of the chart, and the one of its templates that is meant; None for all."""

    values: Mapping[str, Any] = field(default_factory=dict)
    template: str | None = None

    def text(self, helm: Callable[..., str]) -> str:
        """What the file holds, by a helm."""
        flags = [part for name, value in self.values.items() for part in ("--set-json", f"{name}={json.dumps(value)}")]
        if self.template is not None:
            flags += ["--show-only", f"templates/{self.template}"]
        text = helm(
            "template", "nvcf-operator", str(CHART), "--namespace", "nvcf-operator-system", "--no-hooks",
            "--set", "crds.install=false", *flags,
        )  # fmt: skip
        lines = [
            line.rstrip() for line in text.strip().splitlines() if line.strip() and not line.startswith("# Source:")
        ]
        return HEAD + "\n".join(lines) + "\n"


_DEPLOY = ROOT / "deploy"
_MONITORING = {each: {"enabled": True} for each in ("serviceMonitor", "prometheusRule", "dashboard")}
RENDERED: Mapping[Path, Rendering] = {
    _DEPLOY / "base" / "operator.yaml": Rendering(),
    _DEPLOY / "overlays" / "namespaced" / "operator.yaml": Rendering(
        {"watchNamespaces": ["default"], "rbac": {"aggregateToView": False}}
    ),
    # The base has the Service.
    _DEPLOY / "components" / "monitoring" / "monitoring.yaml": Rendering(
        {"metrics": {**_MONITORING, "service": {"enabled": False}}}, "metrics.yaml"
    ),
    _DEPLOY / "components" / "network-policy" / "networkpolicy.yaml": Rendering(
        {"networkPolicy": {"enabled": True}}, "networkpolicy.yaml"
    ),
    _DEPLOY / "components" / "admission-policies" / "admissionpolicies.yaml": Rendering(
        {"admissionPolicies": {"protectCrd": True, "protectLabelled": True, "maxInstances": 64}},
        "admissionpolicies.yaml",
    ),
}


def copy_crds() -> None:
    """Give the chart its copies of the CRDs."""
    from nvcf_operator.api.names import GROUP, KINDS

    for kind in KINDS:
        text = (ROOT / "crds" / f"{GROUP}_{kind.plural}.yaml").read_text()
        (CHART / "files" / "crds" / f"{kind.plural}.yaml").write_text(text)
