"""NVCF cannot be reached: what a resource says, how often, and what heals by itself."""

from pathlib import Path

from controlplane.certificates import Authority
from controlplane.ports import free_ports
from operating import Operator, Place, condition_of, eventually, manifest
from operating.secured import secured

FAILURES = "nvcf_operator_nvcf_requests_total"


def test_a_long_outage_is_written_once_whichever_resource_is_the_probe(place: Place) -> None:
    resources = [f"echo-{number}" for number in range(3)]

    def versions() -> dict[str, str]:
        return {name: place.namespace.get(name)["metadata"]["resourceVersion"] for name in resources}

    (port,) = free_ports(1)
    url, team = f"http://127.0.0.1:{port}/v2/nvcf", place.namespace
    with Operator.start(place.identity, url, place.log, namespaces=team.name) as operator:
        team.apply(*(manifest(name, *place.simulator.add_function()) for name in resources))
        for name in resources:
            found = team.wait_for(name, "Reconciling", reason="NVCFUnavailable")
            message = condition_of(found, "Reconciling")["message"]
            assert f"NVCF cannot be reached: {url}: Connection refused. Nothing listens there" in message
        before, failed = versions(), operator.metric(FAILURES, code="Unreachable")
        eventually(
            lambda: operator.metric(FAILURES, code="Unreachable"),
            lambda number: number >= failed + 5,
            within=90,
            what="five more calls have failed",
        )
        assert versions() == before


def test_a_replaced_ca_file_heals_without_a_restart_and_until_then_tls_is_named(place: Place, tmp_path: Path) -> None:
    (port,), file = free_ports(1), tmp_path / "ca.crt"
    former, present = Authority(tmp_path / "former"), Authority(tmp_path / "present")
    file.write_bytes(former.certificate.read_bytes())
    with (
        secured(place.simulator.url, present, port) as url,
        Operator.start(place.identity, url, place.log, namespaces=place.namespace.name, nvcf_ca_file=file),
    ):
        place.namespace.apply(place.manifest())
        found = place.namespace.wait_for("echo", "Reconciling", reason="NVCFUnavailable")
        message = condition_of(found, "Reconciling")["message"]
        assert "certificate verify failed" in message
        assert "--nvcf-ca-file" in message
        (tmp_path / "new").write_bytes(present.certificate.read_bytes())
        (tmp_path / "new").rename(file)
        place.ready()
