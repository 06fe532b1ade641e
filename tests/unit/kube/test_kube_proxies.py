"""Which proxy the environment asks for."""

from dataclasses import dataclass, field

import pytest
from yarl import URL

from nvcf_operator.kube.proxies import proxy_of_environment

PROXY = "http://proxy:3128"


@dataclass(frozen=True)
class Case:
    reason: str
    server: str
    straight: bool
    environment: dict[str, str] = field(default_factory=lambda: {"HTTPS_PROXY": PROXY})


def but_for(no_proxy: str) -> dict[str, str]:
    return {"HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy}


CASES = [
    Case("a proxy for all", "https://api.example:6443", False),
    Case("no proxy at all", "https://api.example:6443", True, {}),
    Case("a proxy for the other scheme", "http://api.example", True),
    Case("in lower case", "https://api.example", False, {"https_proxy": PROXY}),
    Case("a host that is named", "https://api.example", True, but_for("other, api.example")),
    Case("a domain that is named", "https://api.example", True, but_for(".example")),
    Case("a host and port that are named", "https://api.example:6443", True, but_for("api.example:6443")),
    Case("another host is named", "https://api.example", False, but_for("example.com")),
    Case("nothing goes through it", "https://api.example", True, but_for("*")),
    Case("an address", "https://10.1.2.3", True, but_for("10.1.2.3")),
    Case("an address in a network", "https://10.1.2.3:6443", True, but_for("localhost,10.0.0.0/8")),
    Case("an address outside of it", "https://11.1.2.3", False, but_for("10.0.0.0/8")),
    Case("an IPv6 address in a network", "https://[fd00::1]:6443", True, but_for("fd00::/8")),
    Case("networks do not hold names", "https://api.example", False, but_for("10.0.0.0/8")),
    Case("this machine", "https://127.0.0.1:6443", True),
    Case("this machine by name", "https://localhost:6443", True),
    Case("this machine by IPv6", "https://[::1]:6443", True),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_the_proxy_is_the_one_that_kubectl_takes(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in case.environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_of_environment(URL(case.server)) == (None if case.straight else PROXY)
