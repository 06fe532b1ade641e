"""How `make image` finds an engine, and how it calls it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hack.image import EngineError, Recipe, build, find_engine
from hack.image.pip_source import parsed, write_secrets

Install = Callable[..., None]

BUILDS = """#!/bin/sh
[ "$1" = info ] && exit 0
for each in "$@"; do printf '%s\\n' "$each"; done >> "$0.log"
for each in "$@"; do case "$each" in
    --secret=id=pip.conf,src=*) cat "${each##*src=}" >> "$0.secret";;
    --output=type=local,dest=*) mkdir -p "${each##*dest=}"; echo '{}' > "${each##*dest=}/sbom.cdx.json";;
esac; done
"""
SILENT = "#!/bin/sh\necho 'cannot connect to the engine' >&2\nexit 1\n"
REFUSES = '#!/bin/sh\n[ "$1" = info ]\n'


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put programs of these names and texts on the PATH, before the tools of every system and without its engines."""
    for tool in ("sh", "cat", "mkdir", "git"):
        found = next(place for place in map(Path, os.environ["PATH"].split(":")) if (place / tool).exists())
        (tmp_path / tool).symlink_to(found / tool)
    monkeypatch.setenv("PATH", str(tmp_path))

    def put(**programs: str) -> None:
        for name, text in programs.items():
            (tmp_path / name).write_text(text)
            (tmp_path / name).chmod(0o755)

    return put


def test_the_first_engine_that_works_is_taken(install: Install) -> None:
    install(docker=SILENT, podman=BUILDS, buildah=BUILDS)
    assert find_engine().name == "podman"
    assert find_engine("buildah").name == "buildah"


def test_without_one_each_is_named_with_what_is_wrong_and_with_what_to_install(install: Install) -> None:
    install(docker=SILENT)
    with pytest.raises(EngineError) as refused:
        find_engine()
    assert "docker: cannot connect to the engine" in str(refused.value)
    assert "podman: is not installed" in str(refused.value)
    assert "apt-get install podman" in str(refused.value)


def test_it_builds_image_and_sbom_with_the_secrets_of_pip_and_keeps_the_index_private(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(podman=BUILDS)
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:word@index.example/simple")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    sbom = tmp_path / "build" / "sbom.json"
    build(Recipe(image="name:tag", base="localhost/base:1", more=("--network=host",)), find_engine(), sbom)
    arguments = (tmp_path / "podman.log").read_text().splitlines()
    assert {"--tag=name:tag", "--target=operator", "--network=host", "--timestamp=1700000000"} <= {*arguments}
    assert {"--build-arg=BASE_IMAGE=localhost/base:1", "--build-arg=CREATED=2023-11-14T22:13:20Z"} <= {*arguments}
    assert not [each for each in arguments if "index.example" in each]
    assert "index-url = https://user:word@index.example/simple" in (tmp_path / "podman.secret").read_text()
    assert sbom.read_text() == "{}\n"
    secrets = {each.partition("src=")[2] for each in arguments if each.startswith("--secret=id=pip.conf")}
    assert secrets
    assert not [path for path in secrets if Path(path).exists()]


def test_a_build_that_is_refused_is_an_error(install: Install) -> None:
    install(podman=REFUSES)
    with pytest.raises(EngineError, match="status 1"):
        build(Recipe(image="name:tag"), find_engine())


def test_a_variable_goes_before_a_file_and_the_command_of_pip_before_all_of_its_commands() -> None:
    listing = ":env:.index-url='https://c/'\nglobal.index-url='https://a/'\ninstall.index-url='https://b/'\n"
    assert parsed(listing) == {"index-url": "https://c/"}
    assert parsed("install.index-url='https://b/'\nglobal.index-url='https://a/'\n") == {"index-url": "https://b/"}


def test_folders_of_this_machine_are_not_shown_and_the_file_is_private(tmp_path: Path) -> None:
    authority = tmp_path / "ca.crt"
    authority.write_text("certificate")
    settings = {"find-links": "/wheels", "cert": str(authority), "timeout": "9", "index-url": "https://index.example/"}
    options = write_secrets(tmp_path, settings)
    file = tmp_path / "pip.conf"
    assert options == [f"--secret=id=pip.conf,src={file}", f"--secret=id=ca,src={authority}"]
    assert "find-links" not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


def test_a_machine_with_no_settings_of_pip_passes_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    assert write_secrets(tmp_path, {}) == []
