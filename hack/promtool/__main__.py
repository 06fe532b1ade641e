"""`python -m hack.promtool`: print the path of promtool, building it if need be."""

import sys

from hack.promtool.binary import PromtoolError, promtool_binary

try:
    print(promtool_binary())
except PromtoolError as error:
    sys.exit(f"error: {error}")
except KeyboardInterrupt:
    print("interrupted; run the same command again to continue", file=sys.stderr)
    sys.exit(130)
