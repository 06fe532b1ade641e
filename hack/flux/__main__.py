"""`python -m hack.flux`: print the path of flux-apply, building it if need be."""

import sys

from hack.flux.binary import FluxError, flux_binary

try:
    print(flux_binary())
except FluxError as error:
    sys.exit(f"error: {error}")
except KeyboardInterrupt:
    print("interrupted; run the same command again to continue", file=sys.stderr)
    sys.exit(130)
