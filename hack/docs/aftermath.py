"""What a failed write leads to once GET has been asked, as a table: documentation that the integration tests prove."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class After:
    """What follows a failed write, by what a GET shows that is asked afterwards. Nothing is repeated without one."""

    call: str
    answer: str
    shows: str
    then: str


LOST = "5xx, timeout, connection lost, unreadable"
REFUSED = "4xx in NVCF's format"

AFTERMATH: tuple[After, ...] = (
    After(
        "POST",
        REFUSED,
        "404",
        "`Stalled`, `Rejected`: retried after 1 min doubling to 30 min, immediately after an edit",
    ),
    After(
        "POST",
        "400, no available clusters",
        "404",
        "`Reconciling`, `NoCapacity`: retried after 1 min doubling to 30 min, also when "
        "`rollout.progressDeadlineSeconds` has passed and it is `Stalled`, `ProgressDeadlineExceeded`",
    ),
    After(
        "POST",
        REFUSED,
        "the deployment",
        "Treated as ours, whatever `adoptionPolicy` says: the intent may have created it. No second POST",
    ),
    After(
        "POST",
        LOST,
        "404",
        '`AwaitingAnswer` with NVCF\'s words: 404 means "not yet" for `--create-settle-seconds`, and for '
        "`--create-settle-per-specification-seconds` more with each further specification, then POST again. That "
        "pause doubles with each such POST, up to 30 min; after a reconcile-now or an edit only the settle is waited "
        "for",
    ),
    After("POST", LOST, "the deployment", "Ours, whatever `adoptionPolicy` says: no second POST"),
    After("POST", "401", "404", "`Unauthorized`: retried when the key is accepted"),
    After("POST", "403, the list answers", "404", "`Stalled`, `Forbidden`: retried after 1 min doubling to 30 min"),
    After("POST", "429", "404", "`Throttled`: retried after the pause"),
    After("POST", "3xx", "404", "`InvalidAnswer`: retried after 1 s doubling to 60 s"),
    After("PATCH", "404 or 405, not in NVCF's format", "as before", "This server has no PATCH: PUT from here on"),
    After(
        "PATCH",
        "404 in NVCF's format",
        "another or the same",
        "The deployment was replaced: reconciled against the new one",
    ),
    After(
        "PUT",
        "404 of an unknown path or 405, in NVCF's format",
        "as before",
        "This server has no PUT: numbers by PATCH from here on, `maxRequestConcurrency` as `rollout.immutableChange` "
        "says",
    ),
    After(
        "PUT",
        "404 or 405, not in NVCF's format",
        "as before",
        "It says nothing about the server: PUT again, after 1 s doubling to 60 s, or, without a body, after 1 min",
    ),
    After("PATCH, PUT", REFUSED, "as before", "`Stalled`, `Rejected`: retried after 1 min doubling to 30 min"),
    After("PATCH, PUT", LOST, "as before", "Reported with NVCF's words: retried after 1 s doubling to 60 s"),
    After("PATCH, PUT", LOST, "as wanted", "Done: not repeated"),
    After("DELETE", "404", "404", "Gone: the finalizer is removed"),
    After("DELETE", "404", "the deployment", "A dependency's 404: DELETE again"),
    After("DELETE", LOST, "the deployment", "Reported with NVCF's words: DELETE again after 1 s doubling to 60 s"),
    After("DELETE", LOST, "404", "Gone: the finalizer is removed"),
    After("DELETE", REFUSED, "the deployment", "`DeletionBlocked`: retried after 1 s doubling to 60 s"),
)
