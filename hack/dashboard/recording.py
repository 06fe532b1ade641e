"""The recording: what the scrapes showed, as a compressed file in OpenMetrics' format with a time at each sample."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

RECORDING = Path(__file__).with_name("recording.openmetrics.gz")
JOB = "nvcf-operator"
_OWN = "nvcf_operator_"


def write(scrapes: Iterable[tuple[str, float, str]], path: Path = RECORDING) -> None:
    """Keep the operator's own metrics of the scrapes, and `up`, which Prometheus adds.

    Args:
        scrapes: instance, time and text of each; no text where the instance did not answer.
        path: the file to write; the same scrapes give the same bytes.

    """
    heads: dict[str, str] = {"up": "# HELP up Whether the scrape succeeded.\n# TYPE up gauge\n"}
    samples: dict[str, dict[str, list[str]]] = {"up": {}}
    for instance, exactly, text in scrapes:
        at = round(exactly)
        target = {"instance": instance, "job": JOB}
        samples["up"].setdefault(_series("up", target), []).append(f"{int(bool(text))} {at}")
        for family in text_string_to_metric_families(text):
            if not family.name.startswith(_OWN):
                continue
            description = family.documentation.replace("\\", "\\\\").replace("\n", "\\n")
            head = f"# HELP {family.name} {description}\n# TYPE {family.name} {family.type}\n"
            heads[family.name] = head
            for sample in family.samples:
                series = _series(sample.name, {**sample.labels, **target})
                numbers = samples.setdefault(family.name, {}).setdefault(series, [])
                numbers.append(f"{_number(sample.value)} {at}")
    lines = (
        heads[family] + "".join(f"{series} {number}\n" for series, numbers in named.items() for number in numbers)
        for family, named in samples.items()
    )
    path.write_bytes(gzip.compress(("".join(lines) + "# EOF\n").encode(), mtime=0))


def times(path: Path = RECORDING) -> tuple[float, float]:
    """Return the times of the first and of the last scrape."""
    text = gzip.decompress(path.read_bytes()).decode()
    found = [float(line.rsplit(" ", 1)[1]) for line in re.findall(r"^up\{.*$", text, re.M)]
    return min(found), max(found)


def _series(name: str, labels: dict[str, str]) -> str:
    return name + "{" + ",".join(f"{key}={json.dumps(labels[key], ensure_ascii=False)}" for key in sorted(labels)) + "}"


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else f"{value:.6g}" if abs(value) < 1e6 else repr(round(value, 3))
