"""``python -m hack.e2e.upgrade``: the upgrade from the previous release, with arguments for pytest.

``make e2e-upgrade`` runs it; ``FROM`` names another revision to upgrade from.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from hack.controlplane import AssetsError, assets
from hack.e2e.tested_versions import record
from hack.e2e.upgrade.revision import RevisionError, check_out, previous_tag
from hack.release.version import ROOT, version
from hack.supervisor import death_signal

TESTS = ROOT / "tests" / "e2e" / "upgrade"


def main(arguments: list[str]) -> int:
    """Set up both revisions and run the tests; give pytest's exit status."""
    try:
        name = os.environ.get("FROM") or previous_tag()
        assets()
        with tempfile.TemporaryDirectory(prefix="nvcf-operator-upgrade-") as scratch:
            former = check_out(name, Path(scratch))
            tests = [sys.executable, "-m", "pytest", str(TESTS), *arguments]
            environment = {**os.environ, "UPGRADE_FROM": str(former.root), "UPGRADE_FROM_NAME": name}
            # pytest is killed when this process is, and all that it started ends with it.
            status = subprocess.run(tests, env=environment, preexec_fn=death_signal(), check=False).returncode
            if status == 0 and not arguments and name.startswith("v"):
                record("make e2e-upgrade", {"from": former.version, "to": version()})
    except (AssetsError, RevisionError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; all servers are gone", file=sys.stderr)
        return 130
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
