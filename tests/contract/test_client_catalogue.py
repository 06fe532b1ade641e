"""The catalogue's calls against the simulator: what they give, for whom, and where there are none."""

import asyncio
import json
from collections.abc import Iterator

import httpx
import pytest

import nvcf_client
from nvcf_client import AsyncClient, Client
from nvcf_client.catalogue import MOST_JSON, read_available
from nvcf_operator.core.catalogue.model import catalogue_of
from tests.support.simulator import ECHO, KEY, Simulator

H100 = "NCP.GPU.H100_8x"


def org_url(simulator: Simulator) -> str:
    return simulator.url.replace("/v2/nvcf", "/v2/orgs/acme_a.b-1/nvcf")


@pytest.fixture
def client(simulator: Simulator) -> Iterator[Client]:
    """A client below an organisation's URL."""
    simulator.clear_faults()
    simulator.hide()
    simulator.quota()
    simulator.behave(catalogue=True, quotaFormat="json")
    with Client(api_key=KEY, base_url=org_url(simulator), max_retries=0, trust_env=False) as made:
        yield made


def test_gpus_instance_types_and_places_are_read(simulator: Simulator, client: Client) -> None:
    found = client.catalogue.available_instance_types.list().gpus
    (eight,) = [item for item in found["H100"] if item.name == H100]
    assert (eight.value, eight.gpu_count, eight.gpu_memory) == ("h100.8x", 8, "640G")
    assert eight.clusters == ("ncp-cluster-1", "research-east")
    assert (eight.regions, eight.attributes) == (("us-east-1", "us-west-1"), ("KATA",))
    simulator.hide("H100")
    assert "H100" not in client.catalogue.available_instance_types.list().gpus


def test_what_is_free_follows_what_runs(simulator: Simulator, client: Client) -> None:
    simulator.deploy(ECHO, {"gpu": "H100", "instanceType": H100, "minInstances": 3, "maxInstances": 3})
    try:
        known = catalogue_of(capacity=client.catalogue.instance_types.list())
        (offer,) = known.of_type("h100", H100.lower())
        assert (offer.free, offer.gpus) == (5, 8)
        assert {place.region for place in offer.places} == {"us-east-1", "us-west-1"}
    finally:
        simulator.undeploy(ECHO)


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_the_quota_is_read_in_both_formats(simulator: Simulator, client: Client, form: str) -> None:
    simulator.behave(quotaFormat=form)
    simulator.quota({"name": "H100", "limit": 16, "clusters": {"ncp-cluster-1,<west>&ä": 8}}, {"name": "L40S"})
    h100, l40s = client.catalogue.quota_rules.list().gpus
    assert (h100.name, h100.limit) == ("H100", 16)
    (part,) = h100.clusters
    assert (part.names, part.limit) == (("ncp-cluster-1", "<west>&ä"), 8)
    assert (l40s.name, l40s.limit, l40s.clusters) == ("L40S", None, ())


def test_both_clients_have_the_calls(simulator: Simulator) -> None:
    async def read() -> int:
        async with AsyncClient(api_key=KEY, base_url=org_url(simulator), trust_env=False) as client:
            catalogue = client.catalogue
            await catalogue.quota_rules.list()
            await catalogue.instance_types.list()
            return len((await catalogue.available_instance_types.list()).gpus)

    assert asyncio.run(read()) >= 5


def test_a_client_of_the_callers_own_finds_it_as_well(simulator: Simulator) -> None:
    with (
        httpx.Client(trust_env=False) as own,
        Client(api_key=KEY, base_url=org_url(simulator), httpx_client=own) as client,
    ):
        assert "H100" in client.catalogue.available_instance_types.list().gpus
    with (
        httpx.Client(trust_env=False) as own,
        Client(api_key=KEY, base_url=simulator.url, httpx_client=own) as client,
        pytest.raises(nvcf_client.NotAvailable),
    ):
        client.catalogue.quota_rules.list()


@pytest.mark.parametrize("scope", ["gpu_capacity", "read_gpu_quota_rule"])
def test_a_key_needs_a_right_for_each(simulator: Simulator, scope: str) -> None:
    simulator.add_key("narrow", token="nvapi-narrow", scopes=[scope])
    with Client(api_key="nvapi-narrow", base_url=org_url(simulator), max_retries=0, trust_env=False) as client:
        calls = {
            "gpu_capacity": client.catalogue.available_instance_types.list,
            "read_gpu_quota_rule": client.catalogue.quota_rules.list,
        }
        calls.pop(scope)()
        (refused,) = calls.values()
        with pytest.raises(nvcf_client.Forbidden):
            refused()


def test_a_key_for_single_functions_may_not_read_it(simulator: Simulator) -> None:
    simulator.add_key("one", token="nvapi-one", resources=[f"function:{ECHO}/*"])
    with (
        Client(api_key="nvapi-one", base_url=org_url(simulator), max_retries=0, trust_env=False) as client,
        pytest.raises(nvcf_client.Forbidden),
    ):
        client.catalogue.instance_types.list()


def test_elsewhere_there_is_none_and_nothing_is_sent(simulator: Simulator) -> None:
    simulator.clear_log()
    with Client(api_key=KEY, base_url=simulator.url, trust_env=False) as client:
        for call in (
            client.catalogue.available_instance_types.list,
            client.catalogue.instance_types.list,
            client.catalogue.quota_rules.list,
        ):
            with pytest.raises(nvcf_client.NotAvailable, match="is not available here: only NGC's URL"):
                call()
    assert simulator.log() == []


def test_a_server_without_it_answers_404(simulator: Simulator, client: Client) -> None:
    simulator.behave(catalogue=False)
    with pytest.raises(nvcf_client.NotFound):
        client.catalogue.available_instance_types.list()


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "{}",
        "null",
        "7",
        '{"gpus": null}',
        '{"H100": 3, "L40S": "x", "A100": [1, null, "NCP"], "": [{}], "T10": {}}',
        json.dumps({"H100": [{"name": {"a": 1}, "clusters": {"x": 1}, "gpuCount": [8], "regions": 7}]}),
        json.dumps({"gpus": [{"gpuName": "H100", "instances": [{"instanceName": 5, "regions": [{"clusters": "c"}]}]}]}),
        json.dumps({"gpus": [{"name": [], "clusters": [{"names": {}, "limit": "many"}]}, "x", None]}),
    ],
)
def test_no_shape_is_an_error(simulator: Simulator, client: Client, body: str) -> None:
    simulator.fault(path="*/ngc/nvcf/*", body=body, contentType="application/json", status=200)
    catalogue = client.catalogue
    catalogue_of(
        catalogue.available_instance_types.list(), catalogue.instance_types.list(), catalogue.quota_rules.list()
    )


def test_yaml_with_keys_and_values_of_other_types_is_read(simulator: Simulator, client: Client) -> None:
    text = "gpus:\n- {name: H100, 1: 2, limit: '4', clusters: [{names: [a, 7], 2026-11-30: x, limit: 2.0}, *no]}\n"
    simulator.fault(path="*/quota/rules", body=text.replace(", *no", ""), contentType="text/yaml", status=200, count=1)
    (quota,) = client.catalogue.quota_rules.list().gpus
    assert (quota.name, quota.limit, quota.model_extra) == ("H100", 4, {"1": 2})
    assert [(part.names, part.limit) for part in quota.clusters] == [(("a", "7"), 2)]
    simulator.fault(path="*/quota/rules", body=text, contentType="text/yaml", status=200)
    with pytest.raises(nvcf_client.InvalidAnswer, match="neither JSON nor YAML"):
        client.catalogue.quota_rules.list()


def test_what_is_readable_in_an_odd_shape_is_read(simulator: Simulator, client: Client) -> None:
    odd = {
        "Gpus": [
            {
                "gpuName": "H100",
                "instanceTypes": [
                    {"instanceName": "a_2x", "gpuCount": "2", "clusters": [{"name": "c1"}, None, 4], "neü": "<&>"},
                    "b",
                ],
            }
        ]
    }
    simulator.fault(path="*/available/*", body=json.dumps(odd), contentType="application/json", status=200)
    first, second = client.catalogue.available_instance_types.list().gpus["H100"]
    assert (first.name, first.gpu_count, first.clusters) == ("a_2x", 2, ("c1", "4"))
    assert first.model_extra == {"instanceName": "a_2x", "neü": "<&>"}
    assert second.name == "b"


def test_a_page_is_no_catalogue(simulator: Simulator, client: Client) -> None:
    simulator.fault(path="*/ngc/nvcf/*", body="<html>login &amp; more", contentType="text/html", status=200)
    for call in (client.catalogue.available_instance_types.list, client.catalogue.quota_rules.list):
        with pytest.raises(nvcf_client.InvalidAnswer):
            call()


def test_an_answer_without_end_is_not_read() -> None:
    long = b'{"H100": [' + b'{"name": "x"},' * (MOST_JSON // 14) + b"{}]}"
    with pytest.raises(ValueError, match="more than 4 MiB"):
        read_available(long)
