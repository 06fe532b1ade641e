"""What a POST registers: the manifest's template, description, tags and rate limit, and the mark."""

from nvcf_client.models import FunctionDefinition
from nvcf_operator.api.function_spec import CloudFunctionSpec
from nvcf_operator.core.functions.model.mark import Mark


def definition_of(spec: CloudFunctionSpec, mark: Mark) -> FunctionDefinition:
    """The version that a manifest asks for. All is in this one body, so that nothing has to be changed afterwards."""
    content = {
        **spec.template.to_dict(),
        "name": spec.name,
        "description": spec.description,
        "tags": [*(spec.tags or ()), mark.tag],
        "rateLimit": spec.rate_limit.to_dict() if spec.rate_limit is not None else None,
    }
    return FunctionDefinition.model_validate(content)
