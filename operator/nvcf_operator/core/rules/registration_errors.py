"""What a refused registration of a function version says, as a table. `make generate` writes it into docs/errors.md.

NVCF asks the registries for image, chart, models and resources, and passes their 401, 403 and 404 on as its own. So
these say nothing about the key while the account's list is answered with it. All else means what it means for any write
(`error_classification`).
"""

import re
from dataclasses import dataclass, replace

from nvcf_client import errors
from nvcf_operator.core.model.observed import Failure, Scope
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.rules import error_classification
from nvcf_operator.core.rules.error_classification import words_of

MAY_BE_A_REGISTRYS = (errors.Unauthorized, errors.Forbidden, errors.NotFound)
"""Answers that may come from a registry."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One way in which NVCF refuses a registration. The first that fits counts."""

    kinds: tuple[type[errors.NvcfError], ...]
    words: re.Pattern[str]
    """What the answer says; NVCF has no code for it."""
    answer: str
    """The same for users."""
    reason: Reason
    advice: str


REFUSALS: tuple[Refusal, ...] = (
    Refusal(
        (errors.Forbidden,),
        re.compile(r"access denied|forbidden to create function", re.IGNORECASE),
        "403 in NVCF's own words",
        Reason.FORBIDDEN,
        "Grant the key register_function, and a policy that covers it: `account-functions:*` for a new function, that "
        "or `function:<id>/*` for a new version of one; a single version is not enough. The operator retries.",
    ),
    Refusal(
        MAY_BE_A_REGISTRYS,
        re.compile(""),
        "401, 403, 404, while the list is answered",
        Reason.ARTIFACT_REJECTED,
        "NVCF passes on what a registry says about the image, chart, models or resources. Check that they exist there "
        "and that the account's registry credentials may read them; the operator retries with backoff.",
    ),
    Refusal(
        (errors.Rejected,),
        re.compile(r"max(imum)? limit for the number of functions", re.IGNORECASE),
        "400, limit for the number of functions",
        Reason.QUOTA_EXCEEDED,
        "Each version counts against the account's quota, kept former ones as well: delete versions that nobody needs, "
        "or have the quota raised. The operator retries with backoff.",
    ),
)


def may_be_a_registrys(error: errors.NvcfError) -> bool:
    """Whether only the account's list shows if the key is at fault, or a registry."""
    return isinstance(error, MAY_BE_A_REGISTRYS)


def of_registration(error: errors.NvcfError) -> Failure:
    """Say what a failed registration means; of 401, 403 and 404 while the account's list is answered."""
    for row in REFUSALS:
        if isinstance(error, row.kinds) and row.words.search(error.detail):
            return Failure(row.reason, f"{words_of(error)}. {row.advice}", Scope.RESOURCE, error.retry_after)
    failure = error_classification.of_call(error)
    if failure.reason == Reason.NO_CAPACITY:  # words of a deployment's refusal: of a registration they mean nothing
        return replace(failure, reason=Reason.REJECTED)
    return failure
