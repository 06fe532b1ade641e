"""Request queues."""

from nvcf_client.models.base import Model


class Queue(Model):
    """The request queue of one function version."""

    function_version_id: str
    function_name: str | None = None
    function_status: str | None = None
    queue_depth: int | None = None
