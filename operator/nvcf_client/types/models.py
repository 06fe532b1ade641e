"""Types of results."""

from nvcf_client.models import Artifact as ArtifactDto
from nvcf_client.models import AuthorizedFunction as AuthorizedPartiesByFunctionDto
from nvcf_client.models import AuthorizedParty as AuthorizedPartyDto
from nvcf_client.models import Cluster, ClusterGroup, Gpu, InstanceType
from nvcf_client.models import Deployment as FunctionDeploymentDto
from nvcf_client.models import EnvironmentVariable as ContainerEnvironmentEntryDto
from nvcf_client.models import Function as FunctionDto
from nvcf_client.models import GpuSpecification as GpuSpecificationDto
from nvcf_client.models import HealthInfo as DeploymentHealthDto
from nvcf_client.models import Instance as InstanceDto
from nvcf_client.models import Queue as QueueDto
from nvcf_client.responses import AuthorizedPartiesListResponse as ListAuthorizedPartiesResponse
from nvcf_client.responses import (
    AuthorizedPartiesResponse,
    ClusterGroupsResponse,
    DeploymentResponse,
    FunctionResponse,
)
from nvcf_client.responses import FunctionIdsResponse as ListFunctionIdsResponse
from nvcf_client.responses import FunctionResponse as CreateFunctionResponse
from nvcf_client.responses import FunctionsResponse as ListFunctionsResponse
from nvcf_client.responses import QueuePositionResponse as GetPositionInQueueResponse
from nvcf_client.responses import QueuesResponse as GetQueuesResponse

__all__ = [
    "ArtifactDto",
    "AuthorizedPartiesByFunctionDto",
    "AuthorizedPartiesResponse",
    "AuthorizedPartyDto",
    "Cluster",
    "ClusterGroup",
    "ClusterGroupsResponse",
    "ContainerEnvironmentEntryDto",
    "CreateFunctionResponse",
    "DeploymentHealthDto",
    "DeploymentResponse",
    "FunctionDeploymentDto",
    "FunctionDto",
    "FunctionResponse",
    "GetPositionInQueueResponse",
    "GetQueuesResponse",
    "Gpu",
    "GpuSpecificationDto",
    "InstanceDto",
    "InstanceType",
    "ListAuthorizedPartiesResponse",
    "ListFunctionIdsResponse",
    "ListFunctionsResponse",
    "QueueDto",
]
