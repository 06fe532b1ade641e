"""Everything that the chart may render, against the schemas of each Kubernetes that it is for, unknown fields refused.

The real API server of one version takes it as well, see tests/integration/test_chart_install.py.
"""

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
import kubernetes_validate.utils
import pytest

from hack.chart import CHART, Helm, HelmError
from tests.tools.chart.test_chart import FULL, VALUES

OLDEST, NEWEST = 29, 37
WITHOUT_SCHEMA = {"ServiceMonitor", "PodMonitor", "PrometheusRule"}
"""Kinds of the Prometheus Operator. What is in a PrometheusRule is checked by promtool."""

Objects = list[dict[str, Any]]


@pytest.fixture(autouse=True, scope="module")
def schemas_read_once() -> Iterator[None]:
    """Have each file of schemas read once, and not for each object."""
    with pytest.MonkeyPatch.context() as patch:
        read = functools.lru_cache(maxsize=64)(kubernetes_validate.utils.schema_contents)
        patch.setattr(kubernetes_validate.utils, "schema_contents", read)
        yield


def for_kubernetes(minor: int, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that a Kubernetes is able to take: admission policies came with 1.30."""
    return {name: value for name, value in values.items() if name != "admissionPolicies" or minor >= 30}


@pytest.mark.parametrize("minor", range(OLDEST, NEWEST + 1))
def test_each_object_is_one_of_that_kubernetes(minor: int, tmp_path: Path) -> None:
    helm, version = Helm(4, tmp_path), f"1.{minor}.0"
    objects: dict[str, dict[str, Any]] = {}
    for values in VALUES.values():
        rendered = helm.template(for_kubernetes(minor, values), "--kube-version", version)
        objects |= {json.dumps(each, sort_keys=True): each for each in rendered}
    known = [each for each in objects.values() if each["kind"] not in WITHOUT_SCHEMA]
    assert len({each["kind"] for each in known}) >= 10
    for each in known:
        assert kubernetes_validate.validate(each, version, strict=True) == f"1.{minor}", "its own schema is there"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"replica": 2}, "'replica' was unexpected"),
        ({"replicas": "two"}, "'two' is not of type"),
        ({"template": {"spec": {"containers": [{"name": "a", "imag": "b"}]}}}, "'imag' was unexpected"),
    ],
)
def test_a_mistake_in_a_manifest_is_noticed(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    (deployment,) = [each for each in Helm(4, tmp_path).template() if each["kind"] == "Deployment"]
    deployment["spec"] |= change
    with pytest.raises(kubernetes_validate.ValidationError, match=said):
        kubernetes_validate.validate(deployment, f"1.{NEWEST}", strict=True)


def test_the_chart_names_the_oldest_kubernetes_and_takes_no_older_one(tmp_path: Path) -> None:
    assert f'kubeVersion: ">=1.{OLDEST}.0-0"' in (CHART / "Chart.yaml").read_text()
    with pytest.raises(HelmError, match="kubeVersion"):
        Helm(4, tmp_path).template({}, "--kube-version", f"1.{OLDEST - 1}.9")


def test_admission_policies_are_refused_where_kubernetes_has_none(tmp_path: Path) -> None:
    with pytest.raises(HelmError, match=r"need Kubernetes 1\.30 or newer, and this is v1\.29\.3"):
        Helm(4, tmp_path).template({"admissionPolicies": FULL["admissionPolicies"]}, "--kube-version", "1.29.3")
