"""`python -m hack.chart`: write what is committed of the chart's output and of its sources, the version included."""

import tempfile
from pathlib import Path

from hack.chart.helm import Helm
from hack.chart.rendering import RENDERED, copy_crds
from hack.release.version import copy_version

copy_version()
copy_crds()
with tempfile.TemporaryDirectory() as home:
    for path, rendering in RENDERED.items():
        path.write_text(rendering.text(Helm(4, Path(home))))
