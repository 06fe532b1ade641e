"""What `plan` reads: files, folders and streams as kubectl reads them, and each mistake with its place."""

import json
import os
from pathlib import Path

import pytest

from nvcf_operator.commands.plan.input.documents import DocumentError, documents
from nvcf_operator.commands.plan.input.reading import Input, InputError, read
from nvcf_operator.commands.plan.model import Manifest

ID = "b0e1c9a4-6b7f-4a34-9c0e-2f1d5e8a7c61"
CHAT = f"""apiVersion: nvcf-operator.io/v1alpha1
kind: FunctionDeployment
metadata: {{name: chat, annotations: {{note: "größer & <b>"}}}}
spec:
  functionId: {ID}
  functionVersionId: {ID}
  deploymentSpecifications: [{{gpu: L40S, minInstances: 0, maxInstances: 1e0}}]
"""
ECHO = CHAT.replace("name: chat", "namespace: team-ü, name: echo".replace("-ü", "-a"))


def stream(text: str, namespace: str | None = None) -> Input:
    return read(["-"], namespace=namespace, stdin=text.encode)


def names(found: Input) -> list[tuple[str, str, int]]:
    return [(named(item, "namespace"), named(item, "name"), item.source.document) for item in found.manifests]


def named(item: Manifest, member: str) -> str:
    return str(item.document["metadata"][member])


def refused(text: str) -> tuple[str, ...]:
    with pytest.raises(InputError) as error:
        stream(text)
    return error.value.lines


def test_what_helm_prints() -> None:
    text = f"---\n# Source: chart/templates/a.yaml\n---\n# Source: b\n{CHAT}---\n\n---\nkind: Service\napiVersion: v1\n"
    found = stream(text)
    assert names(found) == [("default", "chat", 2)]
    assert found.skipped == {"Service": 1}
    assert found.warnings == ()


def test_namespaces() -> None:
    assert names(stream(CHAT + "---\n" + ECHO, "prod")) == [("prod", "chat", 1), ("team-a", "echo", 2)]


def test_lists_and_json() -> None:
    (one,) = stream(CHAT).manifests
    whole = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [one.document, {"apiVersion": "apps/v1", "kind": "Deployment"}],
    }
    assert names(stream(json.dumps(whole))) == [("default", "chat", 1)]
    untyped = {name: value for name, value in one.document.items() if name in ("metadata", "spec")}
    typed = {"apiVersion": "nvcf-operator.io/v1alpha1", "kind": "FunctionDeploymentList", "items": [untyped]}
    assert stream(json.dumps(typed)).manifests[0].document == one.document


def test_what_the_cluster_adds_is_left_out() -> None:
    live = (
        CHAT.replace("metadata: {", "metadata: {uid: u, resourceVersion: '7', finalizers: [x], ")
        + "status: {phase: x}\n"
    )
    assert stream(live).manifests[0].document == stream(CHAT).manifests[0].document


def test_a_folder(tmp_path: Path) -> None:
    for name, text in {
        "a.yaml": CHAT,
        "sub/b.yml": ECHO,
        "sub/values.yaml": "replicas: 1\nlist: &x [1]\nother: *x\n",
        "sub/kustomization.yaml": "resources: [b.yml]\n",
        "sub/c.json": '{"apiVersion": "v1", "kind": "Secret", "data": {}}',
        "sub/README.md": "kind: :",
        ".git/d.yaml": ": : :",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    found = read([str(tmp_path)], namespace=None, stdin=bytes)
    assert [Path(item.source.file).name for item in found.manifests] == ["a.yaml", "b.yml"]
    assert found.skipped == {"Secret": 1, "no kind": 2}
    (warning,) = found.warnings
    assert f"`kubectl kustomize {tmp_path}/sub | nvcf-operator plan -f -`" in warning
    with pytest.raises(InputError, match="this is not a Kubernetes object"):
        read([str(tmp_path / "sub/values.yaml")], namespace=None, stdin=bytes)


def test_paths_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "latin.yaml").write_bytes(b"a: 1\n---\nb: gr\xfc\xdfe\n")
    with pytest.raises(InputError) as error:
        read([str(tmp_path / name) for name in ("missing.yaml", "empty", "latin.yaml")], namespace=None, stdin=bytes)
    assert [line.removeprefix(f"{tmp_path}/") for line in error.value.lines] == [
        "missing.yaml: there is no such file or folder",
        "empty: the folder contains no file that ends in .yaml, .yml, .json",
        "latin.yaml, document 1, line 3: it is not UTF-8 (byte 0xfc). Save the file as UTF-8",
    ]
    with pytest.raises(InputError, match="more than once"):
        read(["-", "-"], namespace=None, stdin=bytes)


def test_the_same_resource_twice() -> None:
    (line,) = refused(CHAT + "---\n" + ECHO + "---\n" + CHAT.replace("name: chat", "name: chat, namespace: default"))
    assert line == (
        "standard input, document 3, line 17: FunctionDeployment default/chat is also in standard input, document 1, "
        "line 1. Keep only one of the two"
    )


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "spec:\n",
            "spec:\n  suspend: true\n  suspend: false\n",
            'line 6: the key "suspend" appears twice in the same mapping',
        ),
        ("v1alpha1", "v1", "apiVersion nvcf-operator.io/v1 is not known. Use nvcf-operator.io/v1alpha1"),
        ("kind: Fun", "kind: Fnu", "kind FnuctionDeployment is not known"),
        ("kind: FunctionDeployment", "", "this is not a Kubernetes object: it has no kind"),
        ("name: chat", "generateName: chat-", "a resource that is applied needs metadata.name instead"),
        ("name: chat", "name: Chät", "metadata.name: 'Chät' is invalid: use lower-case letters"),
        ('"größer & <b>"', "true", "metadata.annotations.note: must be a string. Put its value in quotation marks"),
        ("annotations: {note", "labels: {note", "metadata.labels.note: 'größer & <b>' is invalid: use letters"),
        ("annotations: {note", "annotations: {a b", "metadata.annotations.'a b': the key is invalid"),
        ("annotations: {note", "labels: {Example.com/note", "metadata.labels.Example.com/note: the key is invalid"),
        ('"größer & <b>"', f'"{"x" * 2**18}"', "metadata.annotations: must not exceed 262144 bytes"),
        ("maxInstances: 1e0", "maxInstances: 0", "spec.deploymentSpecifications[0].maxInstances: must be at least 1"),
        ("maxInstances: 1e0", "maxInstances: {{ .Values.max }}", "This is a template: render it first"),
        ("  functionVersionId", "\tfunctionVersionId", "tab character"),
        ("kind: FunctionDeployment", "kind: !!binary aGk=", "the tag tag:yaml.org,2002:binary has no JSON equivalent"),
        ("gpu: L40S", "gpu: .inf", "a number that JSON does not have"),
        (CHAT, "- 1\n", "this is not a Kubernetes object: it is not a mapping"),
        (CHAT, '{"apiVersion": "v1",\n "apiVersion": "v1"}', 'line 2: the key "apiVersion" appears twice'),
        (CHAT, "a: b: c", "line 1: mapping values are not allowed"),
        (CHAT, "a: \x07", "it has a character that YAML does not allow"),
        (CHAT, "a: &a [*a]", "recursive"),
    ],
)
def test_a_mistake_is_named_with_its_place(old: str, new: str, says: str) -> None:
    assert old in CHAT
    lines = refused(CHAT.replace(old, new))
    assert any(says in line for line in lines), lines
    assert all(line.startswith("standard input, document 1, line ") for line in lines)


def test_all_mistakes_are_reported_at_once() -> None:
    assert len(refused("a: [\n---\n" + CHAT.replace("v1alpha1", "v2") + "---\nkind: x\n")) == 3


def test_an_unknown_field_is_a_warning() -> None:
    found = stream(CHAT + "  naïve: 1\n")
    assert found.warnings == (
        "standard input, document 1, line 1: FunctionDeployment chat: unknown field spec.naïve: it is dropped",
    )
    assert "naïve" not in found.manifests[0].document["spec"]


KUBECTL_READS = {
    "2024-01-01": "2024-01-01",
    "12:30:00": "12:30:00",
    "1e3": 1000,
    "1.5": 1.5,
    "1.": 1,
    "010": 8,
    "0o17": 15,
    "-0B11": -3,
    "0x1F": 31,
    "089": 89,
    "08.5": 8.5,
    "1_000": 1000,
    "1_0.5": 10.5,
    "0899123": 899123,
    "0123e45": 1.23e47,
    "1e400": "1e400",
    "9223372036854775807": 9223372036854775807,
    "123456789012345678901234567890": 1.2345678901234568e29,
    "0xfffffffffffffffffffff": "0xfffffffffffffffffffff",
    "0x": "0x",
    "1.2.3": "1.2.3",
    "on": True,
    "y": True,
    "N": False,
    "nO": "nO",
    "~": None,
    "'1'": "1",
}
"""Scalars and what kubectl 1.32 and 1.37 make of them."""


def test_an_unknown_member_of_the_metadata_is_a_warning() -> None:
    found = stream(CHAT.replace("annotations:", "uid: x, labls: {a: b}, annotations:"))
    assert [warning.partition("chat: ")[2] for warning in found.warnings] == [
        "unknown field metadata.labls: it is dropped"
    ]


def test_what_would_be_read_for_ever_is_refused_in_a_folder(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.yaml")
    (tmp_path / "b.yaml").symlink_to("/dev/zero")
    (tmp_path / "c.yaml").symlink_to("d")
    (tmp_path / "d").write_text(CHAT)
    with pytest.raises(InputError) as error:
        read([str(tmp_path)], namespace=None, stdin=bytes)
    assert [line.removeprefix(f"{tmp_path}/") for line in error.value.lines] == [
        f"{name}: it is a pipe, a socket or a device. Take it out of the folder" for name in ("a.yaml", "b.yaml")
    ]


@pytest.mark.parametrize(("scalar", "value"), KUBECTL_READS.items())
def test_scalars_are_what_kubectl_reads(scalar: str, value: object) -> None:
    (found,) = documents(f"a: {scalar}\n")
    assert not isinstance(found, DocumentError)
    assert (found.value, type(found.value["a"])) == ({"a": value}, type(value))


def test_keys_are_texts_as_kubectl_makes_them() -> None:
    (found,) = documents("{7: x, true: x, n: x, 1e3: x, 1.50: x, 1e6: x, 012: x}")
    assert not isinstance(found, DocumentError)
    assert list(found.value) == ["7", "true", "false", "1000", "1.5", "1e+06", "10"]


@pytest.mark.parametrize("scalar", ["!!bool maybe", "!!int abc", "!!float ''"])
def test_a_tag_that_its_value_does_not_bear_is_an_error(scalar: str) -> None:
    (found,) = documents(f"a: {scalar}\n")
    assert isinstance(found, DocumentError)


def test_a_truth_where_a_text_belongs_is_refused_as_the_api_server_does() -> None:
    (line,) = refused(CHAT.replace("gpu: L40S", "gpu: y"))
    assert line.endswith("spec.deploymentSpecifications[0].gpu: must be a string")


def test_anchors_and_merges() -> None:
    (found,) = documents("base: &b {gpu: L40S, max: 1}\nlist:\n- <<: *b\n  max: 2\n- *b\n")
    assert not isinstance(found, DocumentError)
    assert found.value["list"] == [{"gpu": "L40S", "max": 2}, {"gpu": "L40S", "max": 1}]


def test_a_few_aliases_do_not_fill_the_memory() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    (found,) = documents("\n".join(lines))
    assert isinstance(found, DocumentError)
    assert "values once its aliases are expanded" in str(found)


@pytest.mark.parametrize("text", ["[" * 3000 + "]" * 3000, "{" + '"a":{' * 3000 + "}" * 3001, "- " * 3000 + "x"])
def test_deep_nesting_is_an_error(text: str) -> None:
    (found,) = documents(text)
    assert isinstance(found, DocumentError)
    assert "levels deep" in str(found)


def test_directives_and_document_ends() -> None:
    found = list(documents("%YAML 1.1\n---\na: 1\n...\n---\nb: 2\n...\nc: 3\n"))
    assert [(item.number, item.line) for item in found] == [(1, 3), (2, 6), (3, 8)]


def test_nothing_at_all() -> None:
    assert stream("") == stream("# only a comment\n") == Input(())
