"""Base URLs come to one spelling; keys are one visible line and leave no trace."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvcf_client import keys, urls


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (urls.HOSTED, urls.HOSTED),
        ("https://api.nvcf.nvidia.com/v2/nvcf/", urls.HOSTED),
        ("HTTPS://API.nvcf.NVIDIA.com:443/v2/nvcf", urls.HOSTED),
        ("https://api.nvcf.nvidia.com./v2/nvcf", urls.HOSTED),
        (" http://h:80/v2 ", "http://h/v2"),
        ("http://h:8080", "http://h:8080"),
        ("http://h:443/", "http://h:443"),
        ("https://api.ngc.nvidia.com/v2/orgs/my_org-1/nvcf", "https://api.ngc.nvidia.com/v2/orgs/my_org-1/nvcf"),
        ("http://[::1]:8080/v2", "http://[::1]:8080/v2"),
        ("http://api-test.my_domain.svc/v2/nvcf", "http://api-test.my_domain.svc/v2/nvcf"),
    ],
)
def test_spellings_of_one_base_url_become_equal(url: str, expected: str) -> None:
    assert urls.normalised(url) == expected


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "empty"),
        ("api.nvcf.nvidia.com/v2/nvcf", "no scheme"),
        ("ftp://h/v2", "another scheme"),
        ("https:///v2", "no host"),
        ("https://user:hunter2@h/v2", "user info"),
        ("https://hunter2@h/v2", "user info without password"),
        ("https://user:hunter2/x@h/v2", "user info with a slash"),
        ("https://user:hunter2?x@h/v2", "user info with a question mark"),
        ("https://h/v2?key=hunter2", "query"),
        ("https://h/v2?", "empty query"),
        ("https://h/v2#hunter2", "fragment"),
        ("https://h:99999/v2", "port out of range"),
        ("https://h:x/v2", "port is no number"),
        ("https://h/a/../b", "dotted segment"),
        ("https://h/a/%2e%2e/b", "escape"),
        ("https://h//b", "empty segment"),
        ("https://h\\evil/v2", "backslash"),
        ("https://h/v2 nvcf", "blank"),
        ("https://h\n/v2", "line break"),
        ("https://hôst/v2", "host beyond ASCII"),
        ("https://[::1/v2", "bracket left open"),
        ("https://-h/v2", "host begins with a hyphen"),
    ],
)
def test_what_two_programs_could_read_differently_is_refused_without_showing_secrets(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match="base URL") as caught:
        urls.normalised(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "instead"),
    [
        ("https://api.ngc.nvidia.com/v2/orgs/o/teams/t/nvcf/", "use https://api.ngc.nvidia.com/v2/orgs/o/nvcf"),
        ("http://proxy:8080/ngc/v2/orgs/o/teams/t/nvcf", "use http://proxy:8080/ngc/v2/orgs/o/nvcf"),
    ],
)
def test_a_base_url_of_a_team_is_refused_with_the_one_that_replaces_it(url: str, instead: str) -> None:
    with pytest.raises(ValueError, match="base URL") as caught:
        urls.normalised(url)
    assert str(caught.value).endswith(instead)


@given(st.text())
def test_normalising_is_final(text: str) -> None:
    for url in (text, f"https://{text}", f"https://h/{text}"):
        try:
            once = urls.normalised(url)
        except ValueError:
            continue
        assert urls.normalised(once) == once


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_key_may_end_as_files_end(end: str) -> None:
    assert keys.checked(f"nvapi-test{end}") == "nvapi-test"


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "empty"),
        ("\n", "empty line"),
        ("hunter2\nhunter2", "two lines"),
        ("hunter2\n\n", "two line ends"),
        ("hunter2 hunter2", "blank inside"),
        (" hunter2", "blank in front"),
        ("hunter2\t", "tab"),
        ("hunter2\0", "control character"),
        ("hunter2é", "beyond ASCII"),
        ("hunter2" * 600, "longer than 4096"),
    ],
)
def test_any_other_key_is_refused_unshown(key: str, reason: str) -> None:
    with pytest.raises(ValueError, match="API key") as caught:
        keys.checked(key)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "invalid key nvapi-abc_DEF-123.",
        "got Authorization: Bearer abc.def",
        "token eyJhbGciOi.eyJzdWIiOi.c2ln rejected",
        "the key s3cret+/= is unknown",
        "GET /?key=s3cret%2B%2F%3D",
        "GET /s3cret%2B/%3D",
        "Basic czNjcmV0Ky89",
    ],
)
def test_texts_are_rid_of_the_key_and_of_all_that_looks_like_one(text: str) -> None:
    clean = keys.redacted(text, "s3cret+/=")
    assert "[key]" in clean
    for trace in ("abc", "eyJ", "s3cret", "czNj"):
        assert trace not in clean


KEY = "nvapi-abcDEF123_-xyz"


@pytest.mark.parametrize("key", [f"Bearer {KEY}", f"bearer {KEY}"])
def test_a_key_behind_the_word_bearer_is_not_sent(key: str) -> None:
    with pytest.raises(ValueError, match="begins with the word Bearer") as caught:
        keys.checked(key)
    assert KEY not in str(caught.value)
