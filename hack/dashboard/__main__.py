"""`python -m hack.dashboard record | evaluate | draw`: the dashboard over an hour of a busy operator."""

import argparse
import sys
from pathlib import Path

from hack.dashboard.engine import EngineError, engine_binary, evaluate
from hack.dashboard.page import DOCS, files
from hack.dashboard.panels import panels
from hack.dashboard.recording import RECORDING, write


def main() -> int:
    """Do one of the three."""
    parser = argparse.ArgumentParser(prog="python -m hack.dashboard", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    record = commands.add_parser("record", help="run the story, and keep what the scrapes show (an hour)")
    record.add_argument("--minutes", type=int, default=60)
    record.add_argument("--logs", type=Path, default=Path("build"), help="folder for the operators' logs")
    commands.add_parser("evaluate", help="print the last value of each series of each panel")
    commands.add_parser("draw", help="write docs/dashboard.md and its pictures")
    commands.add_parser("engine", help="print the path of the program that evaluates, building it if need be")
    arguments = parser.parse_args()
    try:
        {"record": _record, "evaluate": _evaluate, "draw": _draw, "engine": _engine}[arguments.command](arguments)
    except EngineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _record(arguments: argparse.Namespace) -> None:
    from hack.dashboard.record import scrapes  # only this command needs a control plane

    arguments.logs.mkdir(parents=True, exist_ok=True)
    write(scrapes(arguments.logs, arguments.minutes))
    print(f"{RECORDING}: {RECORDING.stat().st_size / 1000:.0f} kB")


def _evaluate(_: argparse.Namespace) -> None:
    answers = evaluate(target for panel in panels() for target in panel.targets)
    for panel in panels():
        for target in panel.targets:
            for series in answers[target.name]:
                last = f"{series.samples[-1][1]:.6g}" if series.samples else "no samples"
                print(f"{panel.title}: {target.title(series.labels)}: {last}")


def _draw(_: argparse.Namespace) -> None:
    made = files()
    (DOCS / "dashboard").mkdir(exist_ok=True)
    for path in (DOCS / "dashboard").glob("*.svg"):
        if path not in made:
            path.unlink()
    for path, text in made.items():
        path.write_text(text)


def _engine(_: argparse.Namespace) -> None:
    print(engine_binary())


if __name__ == "__main__":
    sys.exit(main())
