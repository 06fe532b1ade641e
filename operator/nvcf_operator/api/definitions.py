"""What the CRD of each kind says: its models, its description, and the columns of `kubectl get`."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel

from nvcf_operator.api.function_spec import CloudFunctionSpec
from nvcf_operator.api.function_status import CloudFunctionStatus
from nvcf_operator.api.names import CLOUD_FUNCTION, FUNCTION_DEPLOYMENT, Kind
from nvcf_operator.api.spec import FunctionDeploymentSpec
from nvcf_operator.api.status import FunctionDeploymentStatus

Column = dict[str, Any]


class Definition(NamedTuple):
    """What the CRD of a kind says."""

    description: str
    spec: type[BaseModel]
    status: type[BaseModel]
    columns: tuple[Column, ...]
    """What `kubectl get` shows; with priority 1, only `-o wide`."""


def _column(name: str, path: str, description: str, *, wide: bool = False, type_: str = "string") -> Column:
    found: Column = {"name": name, "type": type_, "jsonPath": path, "description": description}
    return found | ({"priority": 1} if wide else {})


_AGE = _column("Age", ".metadata.creationTimestamp", "Time since the resource was created.", type_="date")
_READY = _column("Ready", '.status.conditions[?(@.type=="Ready")].status', "Whether the manifest is fully in effect.")
_MESSAGE = _column(
    "Message",
    '.status.conditions[?(@.type=="Ready")].message',
    "What happened, what the operator will do, what a person can do.",
    wide=True,
)
_ACCOUNT = _column("Account", ".status.accountId", "The NVCF account that holds the function.", wide=True)

DEFINITIONS: Mapping[Kind, Definition] = {
    FUNCTION_DEPLOYMENT: Definition(
        description="A FunctionDeployment keeps one version of an NVIDIA Cloud Function deployed on the GPUs that it "
        "names.",
        spec=FunctionDeploymentSpec,
        status=FunctionDeploymentStatus,
        columns=(
            _READY,
            _column("Phase", ".status.phase", "State of the deployment, in one word."),
            _column("Function", ".status.functionName", "Name of the function."),
            _column("GPU", ".spec.deploymentSpecifications[0].gpu", "GPU of the first specification."),
            _column("Instances", ".status.instances", "Instances ordered, minimum and maximum."),
            _AGE,
            _column(
                "Running",
                ".status.running",
                "Instances that run, as of the last read of them.",
                wide=True,
                type_="integer",
            ),
            _column(
                "Version",
                ".status.functionVersionId",
                "The version that serves, or that is to serve while none does.",
                wide=True,
            ),
            _ACCOUNT,
            _MESSAGE,
        ),
    ),
    CLOUD_FUNCTION: Definition(
        description="A CloudFunction keeps an NVIDIA Cloud Function and its versions registered in NVCF: a change of "
        "its template becomes a new version, which FunctionDeployments that refer to it deploy.",
        spec=CloudFunctionSpec,
        status=CloudFunctionStatus,
        columns=(
            _READY,
            _column("Phase", ".status.phase", "State of the function, in one word."),
            _column("Function ID", ".status.functionId", "Id of the function: the address of its clients."),
            _column("Revision", ".status.latest.revision", "Revision of the latest version, if it has one."),
            _column("Version", ".status.latest.versionId", "The latest version."),
            _AGE,
            _column("Hash", ".status.latest.hash", "Hash of the latest version's template.", wide=True),
            _ACCOUNT,
            _MESSAGE,
        ),
    ),
}
"""All kinds."""
