"""Keys and kinds: the same name in two kinds is two resources."""

from nvcf_operator.api.names import CLOUD_FUNCTION, KINDS, Key


def test_a_key_without_a_kind_is_that_of_a_function_deployment() -> None:
    assert Key("team", "echo").kind.plural == "functiondeployments"
    assert str(Key("team", "echo")) == "team/echo"


def test_the_same_name_in_two_kinds_is_two_resources() -> None:
    deployment, function = Key("team", "echo"), Key("team", "echo", CLOUD_FUNCTION)
    assert len({deployment, function}) == 2
    assert sorted([deployment, function]) == [function, deployment]
    assert str(function) == "CloudFunction team/echo"


def test_no_two_kinds_share_a_name_or_a_finalizer() -> None:
    names = [name for kind in KINDS for name in kind]
    assert len(names) == len(set(names))


def test_log_lines_name_the_kind_of_whatever_is_no_function_deployment() -> None:
    assert Key("team", "echo").fields == {"namespace": "team", "name": "echo"}
    assert Key("team", "echo", CLOUD_FUNCTION).fields == {"namespace": "team", "name": "echo", "kind": "CloudFunction"}
