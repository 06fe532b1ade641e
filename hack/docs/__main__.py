"""``python -m hack.docs``: write the CRD and the reference pages; what ``make generate`` does first."""

from pathlib import Path

from hack.docs import function, resource
from hack.docs.errors import with_errors
from hack.docs.fields import fields_markdown
from hack.docs.reasons import with_reasons
from hack.docs.settings import settings_markdown
from nvcf_operator.api.crd import crd_yaml
from nvcf_operator.api.names import GROUP, KINDS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def main() -> None:
    """Generate all, and only then write."""
    files = {
        **{ROOT / "crds" / f"{GROUP}_{kind.plural}.yaml": crd_yaml(kind) for kind in KINDS},
        DOCS / "resource.md": resource.reference_markdown(),
        DOCS / "cloudfunction.md": function.reference_markdown(),
        DOCS / "settings.md": settings_markdown(),
        DOCS / "fields.md": fields_markdown(),
        DOCS / "conditions.md": with_reasons((DOCS / "conditions.md").read_text()),
        DOCS / "errors.md": with_errors((DOCS / "errors.md").read_text()),
    }
    for path, text in files.items():
        path.write_text(text)


if __name__ == "__main__":
    main()
