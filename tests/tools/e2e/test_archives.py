"""Images that are put together without an engine."""

import hashlib
import json
import tarfile
from pathlib import Path

from hack.e2e.kind.archives import Image, write_archive
from hack.e2e.kind.pins import node_key, node_targets


def read(archive: tarfile.TarFile, name: str) -> bytes:
    """An entry's content."""
    file = archive.extractfile(name)
    assert file is not None
    return file.read()


def test_names_of_an_archive_share_the_layer_and_differ_by_their_entrypoints(tmp_path: Path) -> None:
    layer = tmp_path / "layer"
    (layer / "bin").mkdir(parents=True)
    (layer / "bin" / "program").write_text("text")
    images = [Image(name="a:1", entrypoint=["/bin/program"]), Image(name="b:2", entrypoint=["/bin/other", "x"])]
    write_archive(tmp_path / "images.tar", layer, images)
    with tarfile.open(tmp_path / "images.tar") as archive:
        manifest = json.loads(read(archive, "manifest.json"))
        configs = [read(archive, entry["Config"]) for entry in manifest]
        assert [entry["RepoTags"] for entry in manifest] == [["a:1"], ["b:2"]]
        assert [f"{hashlib.sha256(body).hexdigest()}.json" for body in configs] == [e["Config"] for e in manifest]
        assert [json.loads(body)["config"]["Entrypoint"] for body in configs] == [["/bin/program"], ["/bin/other", "x"]]
        ((name,),) = {tuple(entry["Layers"]) for entry in manifest}
        digest = hashlib.sha256(read(archive, name)).hexdigest()
        assert {json.loads(body)["rootfs"]["diff_ids"][0] for body in configs} == {f"sha256:{digest}"}
    assert not (tmp_path / "images.layer").exists()


def test_every_binary_of_a_node_is_pinned_and_the_key_names_the_version() -> None:
    for target in node_targets():
        assert (target.module / "go.sum").read_text()
        assert "example.invalid" in (target.module / "go.mod").read_text()
    assert len({target.name for target in node_targets()}) == len(node_targets())
    assert node_key().startswith("kubernetes-1.37.2-")
