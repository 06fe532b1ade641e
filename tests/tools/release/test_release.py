"""A release as its maintainers build and publish it, with an engine that writes down its arguments."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from hack.image.engines import Engine, EngineError
from hack.release import artifacts
from hack.release.artifacts import build_all
from hack.release.images import BuiltImage, push_images, what_is_in_the_way
from hack.release.version import ROOT, version
from nvcf_operator.api.names import KINDS

pytestmark = pytest.mark.xdist_group("release")

ENGINE = """#!/bin/sh
[ "$1" = info ] && exit 0
echo "$@" >> "$0.log"
case "$*" in *"FOREIGN"*--build-arg=BASE=*) echo "exec /bin/sh: exec format error" >&2; exit 1;; esac
previous=
for each in "$@"; do
    case "$each" in --output=type=local,dest=*)
        mkdir -p "${each##*dest=}"; echo '{}' > "${each##*dest=}/sbom.cdx.json";;
    esac
    [ "$previous" = --output ] && echo image > "$each"
    previous=$each
done
exit 0
"""


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The log of a podman that can build for linux/amd64 only."""
    return install(tmp_path, monkeypatch, foreign="linux/arm64")


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, *, foreign: str) -> Path:
    """Put a podman first on the PATH that cannot build for a platform; give its log."""
    (folder / "podman").write_text(ENGINE.replace("FOREIGN", f"--platform={foreign} "))
    (folder / "podman").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("ENGINE", "podman")
    return folder / "podman.log"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the release goes, in place of the checkout's build folder."""
    monkeypatch.setattr(artifacts, "FOLDER", tmp_path / "release")
    return tmp_path / "release"


def test_everything_is_built_into_one_folder_with_checksums(engine: Path, folder: Path) -> None:
    made = build_all(registry="registry.example/team", base="localhost/base:1")
    now = version()
    assert {file.name for file in folder.iterdir()} == {
        "RELEASE_NOTES.md",
        "SHA256SUMS",
        f"nvcf-operator-{now}-linux-amd64.cdx.json",
        f"nvcf-operator-{now}-linux-amd64.tar",
        f"nvcf-operator-{now}.tgz",
        f"nvcf-operator-crds-{now}.yaml",
        f"nvcf_operator-{now}-py3-none-any.whl",
        f"nvcf_operator-{now}.tar.gz",
    }
    sums = dict(line.split("  ")[::-1] for line in (folder / "SHA256SUMS").read_text().splitlines())
    assert sums == {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.iterdir()
        if file.name != "SHA256SUMS"
    }
    assert made.missing == ["image for linux/arm64: exec /bin/sh: exec format error"]
    assert [image.platform for image in made.images] == ["linux/amd64"]
    crds = list(yaml.safe_load_all((folder / f"nvcf-operator-crds-{now}.yaml").read_text()))
    assert {crd["metadata"]["name"] for crd in crds} == {kind.crd_name for kind in KINDS}
    with zipfile.ZipFile(folder / f"nvcf_operator-{now}-py3-none-any.whl") as wheel:
        assert "nvcf_operator/cli.py" in wheel.namelist()
    values, facts = packaged(made.chart)
    assert values["image"]["registry"] == "registry.example/team"
    notes = facts["annotations"]
    assert yaml.safe_load(notes["artifacthub.io/images"])[0]["image"] == f"registry.example/team/nvcf-operator:{now}"
    assert {crd["kind"] for crd in yaml.safe_load(notes["artifacthub.io/crds"])} == {kind.name for kind in KINDS}
    assert [each["kind"] for each in yaml.safe_load(notes["artifacthub.io/crdsExamples"])] == [
        "CloudFunction",
        "FunctionDeployment",
    ]
    assert all(isinstance(each, str) for each in yaml.safe_load(notes["artifacthub.io/changes"]))


def test_the_source_archive_has_what_is_committed_and_no_key(tmp_path: Path) -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    files = [name for name in tracked.stdout.split("\0") if name]
    copy = tmp_path / "checkout"
    for name in {name.partition("/")[0] for name in files}:
        if (ROOT / name).is_file():
            copy.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    strays = ("ngc-key.txt", ".venv/lib/x.py", "build/x.whl", "hack/ngc.key", "notes/größe.md")
    for name in ("operator/nvcf_operator/x.py", "docs/x.md", "tests/x.py", ".ci/run", "deploy/x", "crds/x", *strays):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text("nvapi-geheim")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=copy, check=True, capture_output=True)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    assert packed.isdisjoint(strays)
    assert {"operator/nvcf_operator/x.py", "docs/x.md", "tests/x.py", ".ci/run", "Makefile"} <= packed
    included = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["sdist"]
    assert {name.partition("/")[0] for name in files} == set(included["only-include"])
    assert [name for name in files if any(fnmatch(Path(name).name, each) for each in included["exclude"])] == []


def packaged(archive: Path) -> tuple[Mapping[str, Mapping[str, str]], Mapping[str, Mapping[str, str]]]:
    """Values and description of a packaged chart."""
    with tarfile.open(archive) as chart:
        files = [chart.extractfile(f"nvcf-operator/{name}") for name in ("values.yaml", "Chart.yaml")]
        values, facts = (yaml.safe_load(file.read()) for file in files if file)
    return values, facts


def test_the_wheel_is_the_same_each_time(engine: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    seen = set()
    for _ in range(2):
        build_all(with_image=False)
        seen.add(hashlib.sha256(next(folder.glob("*.whl")).read_bytes()).hexdigest())
    assert len(seen) == 1


def test_a_platform_is_tried_on_the_base(engine: Path) -> None:
    podman = Engine(name="podman")
    assert what_is_in_the_way(podman, "linux/amd64", "base:1") == ""
    assert what_is_in_the_way(podman, "linux/arm64", "base:1") == "exec /bin/sh: exec format error"


def test_images_are_pushed_before_their_list(engine: Path, tmp_path: Path) -> None:
    images = [BuiltImage(f"linux/{each}", f"r/n:1-{each}", tmp_path / each) for each in ("amd64", "arm64")]
    push_images(Engine(name="podman"), "r/n:1", images)
    assert engine.read_text().splitlines() == [
        "push r/n:1-amd64",
        "push r/n:1-arm64",
        "manifest create r/n:1 r/n:1-amd64 r/n:1-arm64",
        "manifest push --all r/n:1 docker://r/n:1",
    ]
    with pytest.raises(EngineError, match="publish with docker or podman"):
        push_images(Engine(name="nerdctl"), "r/n:1", images)


def test_nothing_is_published_from_what_is_no_release(engine: Path) -> None:
    command = [sys.executable, "-m", "hack.release", "publish"]
    environment = {name: value for name, value in os.environ.items() if name != "REGISTRY"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("error: nothing was published:")
    assert "REGISTRY is not set" in done.stderr
    assert "Traceback" not in done.stderr
    assert not engine.exists() or "push" not in engine.read_text()


def test_the_usage_is_said() -> None:
    done = subprocess.run([sys.executable, "-m", "hack.release", "now"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, "usage: python -m hack.release [build | publish | prepare VERSION]\n")


def test_the_workflow_of_the_forge_does_the_same_and_signs() -> None:
    flow = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
    (job,) = flow["jobs"].values()
    assert job["permissions"] == {"contents": "write", "packages": "write", "id-token": "write"}
    assert "REGISTRY=ghcr.io/${GITHUB_REPOSITORY_OWNER,,}" in job["steps"][0]["run"], "of an owner with capitals"
    said = json.dumps(job["steps"])
    for needed in (
        "make release PUBLISH=yes",
        "make e2e-upgrade",
        ".ci/run",
        "cosign sign --yes",
        "cosign attest",
        "cosign sign-blob",
        "gh release create",
    ):
        assert needed in said, needed
