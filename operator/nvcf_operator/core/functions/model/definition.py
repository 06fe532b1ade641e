"""What a POST registers: the manifest's template, description, tags, rate limit and secrets, and the mark."""

from collections.abc import Iterable

from nvcf_client.models import FunctionDefinition, Secret
from nvcf_operator.api.function_spec import CloudFunctionSpec
from nvcf_operator.core.functions.model.mark import Mark


def definition_of(spec: CloudFunctionSpec, mark: Mark, secrets: Iterable[Secret] = ()) -> FunctionDefinition:
    """The version that a manifest asks for. All is in this one body, so that nothing has to be changed afterwards.

    Args:
        spec: the manifest.
        mark: by which the version is found.
        secrets: the secrets that the manifest names, with their values.

    """
    content = {
        **spec.template.to_dict(),
        "name": spec.name,
        "description": spec.description,
        "tags": [*(spec.tags or ()), mark.tag],
        "secrets": tuple(secrets) or None,
        "rateLimit": spec.rate_limit.to_dict() if spec.rate_limit is not None else None,
    }
    return FunctionDefinition.model_validate(content)
