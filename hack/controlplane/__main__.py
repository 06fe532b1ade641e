"""``python -m hack.controlplane``: the control plane without a test around it."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from pathlib import Path

from hack.controlplane.assets import AssetsError, assets
from hack.controlplane.background import DetachError, run, start_detached, stop_detached
from hack.controlplane.ownership import RootInUseError
from hack.controlplane.pinning import pin
from hack.processes import ProcessEndedError


def main() -> int:
    """Run the command line; return the exit status."""
    arguments = _parser().parse_args()
    # Both leave through the clean-up. SIGINT is set as well, for a job in the background is started without it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        return _carry_out(arguments)
    except (AssetsError, DetachError, ProcessEndedError, RootInUseError, TimeoutError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; run the same command again to continue", file=sys.stderr)
        return 130


def _carry_out(arguments: argparse.Namespace) -> int:
    match arguments.command:
        case "assets":
            print(assets())
        case "pin":
            print(pin(arguments.version))
        case "run" if arguments.detach:
            assets()  # built here if need be, where its progress is seen
            print(start_detached(arguments.root.absolute()))
        case "run":
            run(arguments.root, with_parent=not arguments.no_parent)
        case "stop":
            stopped = stop_detached(arguments.root)
            print("stopped" if stopped else f"no control plane uses {arguments.root}", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hack.controlplane", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("assets", help="print the folder with the binaries, building them if need be")
    runner = commands.add_parser("run", help="run a control plane; one JSON line says when and where it is ready")
    life = runner.add_mutually_exclusive_group()
    life.add_argument("--no-parent", action="store_true", help="do not end with the process that started this one")
    life.add_argument("--detach", action="store_true", help="return when it is ready; it stays until `stop`")
    stopper = commands.add_parser("stop", help="end the control plane of a folder")
    for command in (runner, stopper):
        command.add_argument("--root", type=Path, required=True, help="the folder for its files")
    pinner = commands.add_parser("pin", help="pin another Kubernetes version (needs Go)")
    pinner.add_argument("version", help="such as 1.38.0")
    return parser


if __name__ == "__main__":
    sys.exit(main())
