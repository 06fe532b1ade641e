"""The three levels of credentials, and what each of them may hold."""

import pytest

from nvcf_operator.core.model.observed import Failure
from nvcf_operator.core.rules.credentials import Credential, SecretName, of_operator, of_secret, secret_named

OWN, ALLOWED = "https://nvcf.example/v2/nvcf", "https://other.example/v2/nvcf"
SECRET = SecretName("team", "nvcf-credentials", "NGC_API_KEY", named=False)


def read(**data: str) -> Credential | Failure:
    found = {name: text.encode() for name, text in data.items()}
    return of_secret(SECRET, found, base_url=OWN, allowed_base_urls=frozenset({ALLOWED}))


def test_a_key_goes_to_the_operators_base_url_unless_the_secret_names_another() -> None:
    assert read(NGC_API_KEY="nvapi-test\n") == Credential(OWN, "nvapi-test")
    assert read(NGC_API_KEY="nvapi-test", NVCF_BASE_URL=ALLOWED + "/") == Credential(ALLOWED, "nvapi-test")


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://other.example/v2/nvcf/more", id="no prefix match"),
        pytest.param("https://other.example.evil/v2/nvcf", id="no match of a longer host"),
        pytest.param("http://other.example/v2/nvcf", id="another scheme"),
        pytest.param("https://other.example:8443/v2/nvcf", id="another port"),
        pytest.param("https://user@other.example/v2/nvcf", id="user info"),
        pytest.param("https://other.example/v2/nvcf?x=1", id="a query"),
        pytest.param("ftp://other.example/v2/nvcf", id="not http"),
        pytest.param("", id="empty"),
    ],
)
def test_a_base_url_that_is_not_allowed_gets_no_key(url: str) -> None:
    found = read(NGC_API_KEY="nvapi-test", NVCF_BASE_URL=url)
    assert isinstance(found, Failure)
    assert found.reason == "BaseURLNotAllowed"
    assert "nvapi-test" not in found.message


def test_a_base_url_of_a_team_gets_no_key_and_the_url_that_replaces_it_is_named() -> None:
    found = read(NGC_API_KEY="nvapi-test", NVCF_BASE_URL="https://other.example/v2/orgs/o/teams/t/nvcf")
    assert isinstance(found, Failure)
    assert found.reason == "BaseURLNotAllowed"
    assert "use https://other.example/v2/orgs/o/nvcf" in found.message


@pytest.mark.parametrize("key", ["", " ", "two words", "line\nline", "ключ", "x" * 4097])
def test_what_cannot_be_a_key_is_refused_without_being_shown(key: str) -> None:
    found = read(NGC_API_KEY=key)
    assert isinstance(found, Failure)
    assert found.reason == "SecretInvalid"
    assert len(found.message) < 400
    assert not key.strip() or key not in found.message


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\xff\xfe"])
def test_a_byte_order_mark_is_named(mark: bytes) -> None:
    found = of_secret(SECRET, {"NGC_API_KEY": mark + b"nvapi-test"}, base_url=OWN, allowed_base_urls=frozenset())
    assert isinstance(found, Failure)
    assert "byte order mark" in found.message
    assert "nvapi" not in found.message


@pytest.mark.parametrize(
    ("opened", "given"),
    [((), False), (("other",), False), (("team",), True), (("*",), True), (("other", "team"), True)],
)
def test_the_operators_key_is_for_the_namespaces_it_was_opened_to(opened: tuple[str, ...], given: bool) -> None:
    found = of_operator("nvapi-own", "team", base_url=OWN, opened_to=frozenset(opened), secret=SECRET)
    assert isinstance(found, Credential) == given


def test_without_an_operator_key_nothing_is_left() -> None:
    found = of_operator(None, "team", base_url=OWN, opened_to=frozenset({"*"}), secret=SECRET)
    assert isinstance(found, Failure)
    assert found.reason == "NoCredentials"


def test_a_credential_shows_no_key() -> None:
    assert "nvapi" not in repr(read(NGC_API_KEY="nvapi-test"))


def test_the_manifest_names_the_secret_else_the_default_is_asked() -> None:
    assert str(secret_named("team", None)) == "Secret team/nvcf-credentials"
    assert secret_named("team", ("mine", "KEY")) == SecretName("team", "mine", "KEY", named=True)
