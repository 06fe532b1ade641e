"""The table of docs/tested.md: what a command that passed was run with."""

from collections.abc import Mapping
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "tested.md"


def record(command: str, versions: Mapping[str, str], page: Path = PAGE) -> None:
    """Write the row of a command in place of the one that it wrote before; the rows are in the order of their names.

    Args:
        command: what was run, such as ``make e2e``.
        versions: program by version, in the order to be shown.
        page: the page; its only table is at its end.

    """
    head, line, rows = page.read_text().partition("|---|---|\n")
    kept = {row.split("`")[1]: row for row in rows.splitlines()}
    kept[command] = f"| `{command}` | {', '.join(f'{name} {version}' for name, version in versions.items())} |"
    page.write_text(head + line + "".join(f"{kept[name]}\n" for name in sorted(kept)))
