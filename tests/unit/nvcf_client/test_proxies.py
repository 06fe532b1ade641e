"""Which proxy the environment asks for."""

from dataclasses import dataclass, field

import pytest

from nvcf_client.http.proxies import ProxyProblem, proxy_for, usable

PROXY = "http://proxy:3128"
ALL = {"ALL_PROXY": "socks5://other:1080"}


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


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
    Case("an IPv6 address beside an IPv6 network", "https://[fe00::1]", False, but_for("127.0.0.1,fd00::/8")),
    Case("an IPv6 address in brackets", "https://[fd00::1]:6443", True, but_for("127.0.0.1,[fd00::1]")),
    Case("an IPv6 address and port", "https://[fd00::1]:6443", True, but_for("[fd00::1]:6443")),
    Case("an IPv6 address and another port", "https://[fd00::1]:6443", False, but_for("[fd00::1]:443")),
    Case("a name beside an IPv6 network", "https://api.example", True, but_for("fd00::/8 api.example")),
    Case("nothing, among others, goes through it", "https://api.example", True, but_for("localhost,*")),
    Case("a domain with a star", "https://api.example", True, but_for("*.example")),
    Case("a domain that only ends alike", "https://api.badexample", False, but_for("*.example,.example,example")),
    Case("the port that the scheme implies", "https://api.example", True, but_for("api.example:443")),
    Case("the proxy of the server's scheme goes before", "https://a.example", False, {**ALL, "HTTPS_PROXY": PROXY}),
    Case("a blank proxy", "https://api.example", True, {"HTTPS_PROXY": "  "}),
    Case("a proxy with a line end", "https://api.example", False, {"HTTPS_PROXY": f"{PROXY}\n"}),
    Case("a proxy without a scheme", "https://api.example", False, {"HTTPS_PROXY": "proxy:3128"}),
    Case("this machine", "https://127.0.0.1:6443", True),
    Case("this machine by name", "https://localhost:6443", True),
    Case("this machine by IPv6", "https://[::1]:6443", True),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_the_proxy_is_the_one_that_kubectl_takes(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in case.environment.items():
        monkeypatch.setenv(name, value)
    found = proxy_for(case.server)
    assert (found and found.url) == (None if case.straight else PROXY)


def test_a_proxy_for_all_counts_for_nvcf_and_not_for_kubernetes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", PROXY)
    found = proxy_for("https://api.example")
    assert found is not None
    assert (found.url, found.source) == (PROXY, "the variable ALL_PROXY")
    assert proxy_for("https://api.example", all_proxy=False) is None


def test_lower_case_goes_before_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://other")
    monkeypatch.setenv("https_proxy", PROXY)
    assert str(proxy_for("https://api.example")) == f"the proxy {PROXY} of the variable https_proxy"


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("http://u:p%23@h:1", "http://u:p%23@h:1"),
        ("http://u:p@ss:w@h:1", "http://u:p%40ss%3Aw@h:1"),
        ("https://u@[::1]:1/", "https://u@[::1]:1"),
        ("u:50%@h", "http://u:50%25@h"),
    ],
)
def test_user_name_and_password_reach_the_proxy_and_are_not_shown(value: str, url: str) -> None:
    proxy = usable(value, "HTTPS_PROXY")
    assert proxy.url == url
    shown = f"{proxy} {proxy!r}"
    assert not any(secret in shown for secret in ("p%23", "p#", "ss", "50", "u:", "u@"))


@pytest.mark.parametrize(
    "value",
    [
        "http://u:se#cret@h:3128",
        "http://u:se/cret@h:3128",
        "http://u:se?cret@h:3128",
        "http://u:se[cret@h:3128",
        "http://u:se cret@h:3128",
        "http://u:se\ncret@h:3128",
        "http://u:secret@h:port",
        "http://u:secret@h:99999",
        "http://u:secret@",
        "ftp://u:secret@h",
        "http://h/secret",
    ],
)
def test_a_proxy_that_cannot_be_used_is_named_without_a_part_of_its_password(value: str) -> None:
    with pytest.raises(ProxyProblem, match=r"^the variable X is not a proxy URL") as caught:
        usable(value, "the variable X")
    assert caught.value.__cause__ is None
    assert "se" not in str(caught.value).replace("user", "")
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4"])
def test_a_socks_proxy_is_refused_where_it_would_be_used(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://proxy:1080")
    assert proxy_for("https://127.0.0.1") is None
    with pytest.raises(ProxyProblem, match="ALL_PROXY names a SOCKS proxy"):
        proxy_for("https://api.example")
