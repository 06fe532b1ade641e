"""``python -m controlplane``: the control plane without a test around it."""

from __future__ import annotations

import argparse
import sys

from controlplane.assets import AssetsError, assets
from controlplane.pinning import pin


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m controlplane", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("assets", help="print the folder with the binaries, building them if need be")
    pin_command = commands.add_parser("pin", help="pin another Kubernetes version (needs Go)")
    pin_command.add_argument("version", help="such as 1.38.0")
    arguments = parser.parse_args()
    try:
        if arguments.command == "assets":
            print(assets())
        elif arguments.command == "pin":
            print(pin(arguments.version))
    except AssetsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
