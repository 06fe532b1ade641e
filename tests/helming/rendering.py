"""What is committed of the chart's output: `deploy/base`, for those who use kustomize."""

from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "nvcf-operator"
BASE = ROOT / "deploy" / "base"
HEAD = "# Rendered from charts/nvcf-operator by `make chart`; change that, not this.\n"


def rendered(template: Callable[..., str]) -> str:
    """The text of `deploy/base/operator.yaml`, by a helm."""
    text = template(
        "template", "nvcf-operator", str(CHART), "--namespace", "nvcf-operator-system", "--no-hooks",
        "--set", "crds.install=false",
    )  # fmt: skip
    lines = [line.rstrip() for line in text.strip().splitlines() if line.strip() and not line.startswith("# Source:")]
    return HEAD + "\n".join(lines) + "\n"


def copy_crd() -> None:
    """Give the chart its copy of the CRD."""
    from nvcf_operator.api.names import CRD_NAME

    plural, _, group = CRD_NAME.partition(".")
    (CHART / "files" / "crd.yaml").write_text((ROOT / "crds" / f"{group}_{plural}.yaml").read_text())
