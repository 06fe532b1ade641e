"""`python -m hack.release`: build a release without publishing it; `publish` also pushes it, `prepare` begins one."""

import os
import sys
from datetime import UTC, datetime

from hack.chart import HelmError
from hack.image.engines import EngineError
from hack.release import changelog
from hack.release.artifacts import Artifacts, BuildError, build_all
from hack.release.publishing import PublishingError, check_ready, publish
from hack.release.version import ROOT, VersionError, set_version, version

USAGE = "usage: python -m hack.release [build | publish | prepare VERSION]"


def main(arguments: list[str]) -> int:
    """Do what is asked; return the exit status."""
    try:
        match arguments:
            case [] | ["build"]:
                return _build()
            case ["publish"]:
                return _publish()
            case ["prepare", wanted]:
                return _prepare(wanted)
    except (
        changelog.ChangelogError, EngineError, HelmError, PublishingError, VersionError, BuildError
    ) as error:  # fmt: skip
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; nothing was published that is not listed above", file=sys.stderr)
        return 130
    print(USAGE, file=sys.stderr)
    return 2


def _build() -> int:
    made = _built()
    print(f"Nothing was published. To publish v{version()}, tag the commit and set PUBLISH=yes and REGISTRY.")
    return 1 if _is_incomplete(made) else 0


def _publish() -> int:
    registry = os.environ.get("REGISTRY", "").rstrip("/")
    check_ready(registry)
    for address in publish(_built(), registry):
        print(f"published {address}")
    return 0


def _built() -> Artifacts:
    made = build_all(
        registry=os.environ.get("REGISTRY", "").rstrip("/"),
        base=os.environ.get("BASE_IMAGE", ""),
        source=os.environ.get("SOURCE", ""),
        with_image=os.environ.get("IMAGE") != "no",
    )
    for file in sorted(made.folder.iterdir()):
        print(f"{file.stat().st_size:>12,}  {file.relative_to(ROOT)}")
    for each in made.missing:
        print(f"not built: {each}")
    return made


def _is_incomplete(made: Artifacts) -> bool:
    """Whether no image at all was built although one was wanted."""
    return not made.images and os.environ.get("IMAGE") != "no"


def _prepare(wanted: str) -> int:
    file = ROOT / "CHANGELOG.md"
    text = changelog.cut(file.read_text(), wanted, datetime.now(UTC).date())
    set_version(wanted)
    file.write_text(text)
    print(f"wrote version {wanted}. Now: make generate, read the diff, commit, git tag -a v{wanted}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
