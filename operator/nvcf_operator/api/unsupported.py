"""What the schema of a CloudFunction has and the operator cannot do yet. Each is refused with its own text."""

from typing import NamedTuple

from nvcf_operator.api.model import cel


class Unsupported(NamedTuple):
    """A field, or one value of it, that is refused."""

    field: str
    """Path below spec."""
    used: str
    """When a manifest uses it, in CEL."""
    message: str


UNSUPPORTED = (
    Unsupported(
        "template.functionType",
        "has(self.template.functionType) && self.template.functionType == 'LLM'",
        "functionType LLM is not supported yet. Use DEFAULT or STREAMING",
    ),
    Unsupported(
        "template.models",
        "has(self.template.models) && self.template.models.exists(model, has(model.llmConfig))",
        "llmConfig of models is not supported yet, as functions of type LLM are not. Leave it out",
    ),
    Unsupported(
        "llm",
        "has(self.llm)",
        "llm is not supported yet, as functions of type LLM are not. Leave it out",
    ),
    Unsupported(
        "authorizedAccounts",
        "has(self.authorizedAccounts)",
        "authorizedAccounts is not supported yet: functions cannot be shared. Leave it out",
    ),
)
"""All of them. Each is one CEL rule of the CRD."""


def refusals() -> tuple[dict[str, str], ...]:
    """The rules that refuse them."""
    return tuple(cel(f"!({item.used})", item.message, field=item.field) for item in UNSUPPORTED)
