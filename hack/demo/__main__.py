"""`python -m hack.demo`: show the main job; `up` leaves everything running, `down` ends that."""

import argparse
import signal
import sys
from pathlib import Path

from hack.controlplane import AssetsError
from hack.demo import background, story

ROOT = Path(__file__).parents[2] / ".demo"


def main() -> int:
    """Run the command line; give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m hack.demo", description=__doc__)
    parser.add_argument("what", nargs="?", default="show", choices=("show", "up", "down", "keep"))
    what = parser.parse_args().what
    # Both leave through the clean-up. SIGINT is set as well, for a job in the background is started without it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        match what:
            case "up":
                background.up(ROOT)
            case "down":
                background.down(ROOT)
            case "keep":
                background.keep(ROOT)
            case _:
                story.show()
    except AssetsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except AssertionError as error:
        print(f"\nThe demo did not go as it should: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; everything was ended", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
