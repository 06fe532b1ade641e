"""An answer as httpx shows one, for callers of the SDK that this client takes the place of."""

from httpx import Request, Response

from nvcf_client.answers import Received


def response_of(received: Received, method: str, path: str) -> Response:
    """The answer, and the request by method and path below the base URL."""
    return Response(
        received.status,
        headers=dict(received.headers),
        content=received.content,
        request=Request(method, path),
    )
