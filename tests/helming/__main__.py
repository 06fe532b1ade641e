"""`python -m helming`: write what is committed of the chart's output and of its sources."""

import tempfile
from pathlib import Path

from helming.helm import Helm
from helming.rendering import BASE, copy_crd, rendered

copy_crd()
with tempfile.TemporaryDirectory() as home:
    (BASE / "operator.yaml").write_text(rendered(Helm(4, Path(home))))
