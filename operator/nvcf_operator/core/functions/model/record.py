"""The process's own copy of what a status records: a status that cannot be written does not mean "never tried"."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nvcf_operator.api.common import LastWrite, Retry, changed
from nvcf_operator.api.function_status import (
    CloudFunctionStatus,
    FailedTemplate,
    LatestVersion,
    RegisteredVersion,
    Registration,
)
from nvcf_operator.backoff import long


@dataclass(frozen=True, slots=True)
class FunctionRecord:
    """What this process knows of one resource's record. The members are those of the status."""

    observed_generation: int
    account_id: str | None
    credential: str | None
    function_id: str | None
    latest: LatestVersion | None
    versions: tuple[RegisteredVersion, ...]
    intent: Registration | None
    failed: FailedTemplate | None
    last_write: LastWrite | None
    retry: Retry | None
    last_handled_reconcile_at: str | None
    last_handled_new_version_at: str | None
    last_handled_new_function_at: str | None
    last_handled_secrets_at: str | None

    @classmethod
    def of(cls, status: CloudFunctionStatus) -> "FunctionRecord":
        """Take it from a status."""
        return cls(**{name: getattr(status, name) for name in cls.__dataclass_fields__})

    @property
    def at_rest(self) -> bool:
        """Whether nothing is limited or measured, so that the cluster's copy is enough."""
        under_way = self.intent is not None and not self.intent.answered
        return not (under_way or self.failed or self.retry or any(item.leaving for item in self.versions))

    def over(self, status: CloudFunctionStatus) -> CloudFunctionStatus:
        """The status with this record in place of its own."""
        return changed(status, {name: getattr(self, name) for name in self.__dataclass_fields__})

    def moved(self, seconds: float) -> "FunctionRecord":
        """The record after the time of day was set by so many seconds, with all spans as they were."""
        by, last, retry = timedelta(seconds=seconds), self.last_write, self.retry
        return replace(self, last_write=last and last.moved(by), retry=retry and retry.moved(by))


def first_seen(status: CloudFunctionStatus, now: datetime) -> FunctionRecord:
    """The record of a resource that this process meets for the first time; another clock has written its times.

    A time in the future counts as now, and no pause is longer than it may be.
    """
    record = FunctionRecord.of(status)
    last, retry = record.last_write, record.retry
    retry = retry and retry.not_after(now + timedelta(seconds=long(retry.attempts)))
    return replace(record, last_write=last and last.not_after(now), retry=retry)
