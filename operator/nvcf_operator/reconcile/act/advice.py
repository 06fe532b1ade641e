"""What NVCF's catalogue says of a manifest that is deployed: advice, for which no POST waits or is held back.

A POST whose names the catalogue does not have is made all the same. An Event names them, once for each generation; if
NVCF refuses the POST, the message of that names them as well.
"""

import logging
from collections.abc import Callable
from functools import partial

from nvcf_client.errors import NvcfError, Rejected
from nvcf_operator import logs
from nvcf_operator.accounts.catalogue_reader import CatalogueReader
from nvcf_operator.core.catalogue.advice import after_refusal, summary, unknown_names
from nvcf_operator.core.catalogue.checks import findings
from nvcf_operator.core.catalogue.model import Catalogue
from nvcf_operator.core.model.decision import Create
from nvcf_operator.core.report.error_messages import STATUSES
from nvcf_operator.reconcile.context import Context, Environment
from nvcf_operator.reconcile.ports import Nvcf

PATIENCE = 5.0
"""Seconds that the message of a refused POST waits for a read of the catalogue that is under way."""

log = logging.getLogger(__name__)


class Advice:
    """Compares what is requested with the catalogue.

    Args:
        environment: what all stages share.
        reader: gives the catalogue that an account can read; None where there is none.

    """

    def __init__(self, environment: Environment, reader: Callable[[Nvcf], CatalogueReader | None]) -> None:
        self._environment = environment
        self._reader = reader

    def before_post(self, context: Context, action: Create) -> None:
        """Have the names of a POST compared with the catalogue, now or once it is read. Never waits, never fails."""
        reader = self._reader(context.nvcf)
        generation = context.resource.generation
        if reader is None or context.local.advised == generation:
            return
        context.local.advised = generation
        try:
            reader.consult(partial(self._compare, context, action))
        except Exception:  # a POST must not fail for advice about it
            log.exception("comparing a manifest with NVCF's catalogue failed")

    async def after_refusal(self, context: Context, action: Create, error: NvcfError) -> str:
        """What follows NVCF's words to a refused POST: the names that the catalogue does not have; empty otherwise."""
        reader = self._reader(context.nvcf)
        if reader is None or not isinstance(error, Rejected) or error.status not in STATUSES:
            return ""
        catalogue = await reader.within(PATIENCE)
        return after_refusal(findings(action.specifications, catalogue)) if catalogue is not None else ""

    def _compare(self, context: Context, action: Create, catalogue: Catalogue) -> None:
        unknown = findings(action.specifications, catalogue)
        if not unknown:
            return
        status, words = context.resource.status, summary(unknown)
        reported = [status.retry.message] if status.retry is not None else []
        if any(words in (text or "") for text in (*reported, *(item.message for item in status.conditions))):
            return  # by a process before this one
        with logs.bind(**context.resource.key.fields):
            self._environment.emit(context.resource, unknown_names(unknown))
