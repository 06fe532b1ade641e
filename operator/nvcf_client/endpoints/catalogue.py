"""Calls about what can be deployed where: instance types, their capacity, and the account's quota.

They are NGC's: they exist where the base URL is that of an organisation (`https://api.ngc.nvidia.com/v2/orgs/{org}/nvcf`),
in another version of the same API. Anywhere else they raise `NotAvailable` without a request. The key needs the rights
GPU Capacity and, for the quota, Read GPU Quota Rule, both for All Entity.
"""

from nvcf_client.call_options import RequestOptions
from nvcf_client.catalogue import (
    AvailableInstanceTypesResponse,
    InstanceTypesResponse,
    QuotaRulesResponse,
    read_available,
    read_capacity,
    read_quota,
)
from nvcf_client.requests import Request, path_of

CAPACITY_RIGHT, QUOTA_RIGHT = "GPU Capacity", "Read GPU Quota Rule"
"""What NGC's console calls the rights. The API has no published names for them."""


def list_available_instance_types(
    *, request_options: RequestOptions | None = None
) -> Request[AvailableInstanceTypesResponse]:
    """List what can be deployed now: `GET /v3/orgs/{org}/ngc/nvcf/deployments/available/instanceTypes`."""
    return Request(
        operation="list_available_instance_types",
        method="GET",
        path=path_of("deployments", "available", "instanceTypes"),
        catalogue="v3",
        result=read_available,
        scope=CAPACITY_RIGHT,
    ).having(request_options)


def list_instance_types(*, request_options: RequestOptions | None = None) -> Request[InstanceTypesResponse]:
    """List instance types with what is in use and free: `GET /v3/orgs/{org}/ngc/nvcf/deployments/instanceTypes`."""
    return Request(
        operation="list_instance_types",
        method="GET",
        path=path_of("deployments", "instanceTypes"),
        catalogue="v3",
        result=read_capacity,
        scope=CAPACITY_RIGHT,
    ).having(request_options)


def list_quota_rules(*, request_options: RequestOptions | None = None) -> Request[QuotaRulesResponse]:
    """List how many of each GPU the account may use: `GET /v2/orgs/{org}/ngc/nvcf/gpu/quota/rules`, JSON or YAML."""
    return Request(
        operation="list_quota_rules",
        method="GET",
        path=path_of("gpu", "quota", "rules"),
        catalogue="v2",
        result=read_quota,
        scope=QUOTA_RIGHT,
    ).having(request_options)
