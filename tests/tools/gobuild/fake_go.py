"""A stand-in for Go that tests use to interrupt a build: it notes its calls and compiles nothing.

Its compiler cache works as the real one: ``build`` puts a file into ``GOCACHE`` first. While a file named by ``HANG``
exists, ``build`` then waits; ``FAIL`` makes it fail. ``mod download`` finds a module with a file and a folder.
"""

import json
import os
import sys
import time
from pathlib import Path

arguments = sys.argv[1:]
with Path(os.environ["CALLS"]).open("a") as calls:
    calls.write(f"{arguments[0]} {arguments[-1]}\n")
match arguments[0]:
    case "env":
        print(os.environ.get("FAKE_GO_VERSION", "go1.99.0"))
    case "list":
        print("go: downloading example.invalid/library v1.0.0", file=sys.stderr)
        print("stale")
    case "build":
        if "FAIL" in os.environ:
            sys.exit("example.invalid/library: no such host")
        half_done = Path(os.environ["GOCACHE"], "half-done")
        resumed = half_done.exists()
        half_done.parent.mkdir(parents=True, exist_ok=True)
        half_done.touch()
        while "HANG" in os.environ and Path(os.environ["HANG"]).exists():
            time.sleep(0.02)
        (output,) = (Path(entry.removeprefix("-o=")) for entry in arguments if entry.startswith("-o="))
        output.write_text("resumed" if resumed else "built at once")
        output.chmod(0o755)
    case "mod":
        if "FAIL" in os.environ:
            sys.exit("example.invalid/library: no such host")
        folder = Path(os.environ["GOMODCACHE"], "module@v1")
        (folder / "files").mkdir(parents=True)
        for name in ("file", "files/one"):
            (folder / name).write_text(name)
        print("go: downloading", file=sys.stderr)
        print(json.dumps({"Dir": str(folder)}))
