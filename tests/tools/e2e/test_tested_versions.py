import re
from pathlib import Path

from hack.e2e.tested_versions import PAGE, record


def test_a_command_has_one_row_and_leaves_the_others_alone(tmp_path: Path) -> None:
    page = tmp_path / "tested.md"
    page.write_text("# Head\n\n| Command | Versions |\n|---|---|\n")
    record("make e2e", {"Kubernetes": "1.36.0"}, page)
    record("make b", {"helm": "4.2.0", "redis": "7"}, page)
    record("make e2e", {"Kubernetes": "1.37.2", "kind": "0.33.0"}, page)
    assert page.read_text() == (
        "# Head\n\n| Command | Versions |\n|---|---|\n"
        "| `make b` | helm 4.2.0, redis 7 |\n"
        "| `make e2e` | Kubernetes 1.37.2, kind 0.33.0 |\n"
    )


def test_the_page_names_targets_of_the_makefile_once() -> None:
    commands = [row.split("`")[1] for row in PAGE.read_text().partition("|---|---|\n")[2].splitlines()]
    targets = re.findall(r"^([a-z0-9-]+):", (PAGE.parents[1] / "Makefile").read_text(), re.M)
    assert sorted(set(commands)) == commands
    assert set(commands) <= {f"make {target}" for target in targets}
