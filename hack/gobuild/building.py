"""Building the missing binaries, once, with Go.

One builder at a time holds the cache's lock; the others wait for it and then find its work done. What a build leaves
half done stays in a work folder, so that an interrupted one goes on where it was; the last step removes that folder
with its gigabytes of sources and compiler cache. A binary appears in its place by a rename: what is there is whole.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from hack.gobuild.progress import HEARTBEAT_SECONDS, CommandError, Progress
from hack.gobuild.target import Target, is_binary
from hack.gobuild.toolchain import NoGoError, find_go, minimum_version

_MEMORY_PER_COMPILER = 2 << 30
"""Bytes. The largest package of Kubernetes takes 2.7 GB to compile, most of them far less."""

_CONTAINER_MEMORY_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")

_LOCK_POLL_SECONDS = 0.25


class BuildError(RuntimeError):
    """The binaries could not be built; the message says why."""


def build_targets(
    targets: Collection[Target], folder: Path, *, title: str, cache: Path, progress: Progress | None = None
) -> None:
    """Build those of the targets that ``folder`` lacks. Raises :class:`BuildError`.

    ``cache`` is the tool cache: it takes the lock, the work folder and, if need be, Go itself.
    ``title`` is shown at the beginning; the names of what is built stand in it where it has ``{}``.
    """
    progress = progress or Progress(total=1 + len(targets))
    cache.mkdir(parents=True, exist_ok=True)
    work = cache / "work"
    with _builder_lock(cache / "build.lock", progress):
        missing = [target for target in targets if not is_binary(folder / target.name)]
        if missing:
            folder.mkdir(parents=True, exist_ok=True)
            progress.step(title.format(", ".join(target.name for target in missing)))
            try:
                _build(missing, folder, cache / "tools", work, progress)
            except (CommandError, NoGoError, OSError) as error:
                raise BuildError(str(error)) from error
        shutil.rmtree(work, ignore_errors=True)


def _build(targets: list[Target], folder: Path, tools: Path, work: Path, progress: Progress) -> None:
    work.mkdir(parents=True, exist_ok=True)
    go = find_go(tools, minimum_version([target.module for target in targets]), progress)
    env = _environment(work)
    for target in targets:
        progress.step(target.name)
        built = work / target.name
        _compile(go, target, built, env, progress)
        built.rename(folder / target.name)
    progress.say(f"done: {folder}")


def _compile(go: Path, target: Target, output: Path, env: Mapping[str, str], progress: Progress) -> None:
    """Build one binary: first find out (and download) what is to be compiled, then compile it."""
    flags = ["-trimpath", f"-ldflags={target.linker_flags}", *([f"-tags={target.tags}"] if target.tags else [])]
    listing = progress.run(
        [go, "list", "-deps", *flags, "-f={{if .Stale}}stale{{end}}", target.package],
        env=env,
        cwd=target.module,
        counts=lambda line: line.startswith("go: downloading"),
        report=lambda count: f"{count:,} modules downloaded",
    )
    total = listing.splitlines().count("stale")
    progress.say(f"{target.name}: compiling {total:,} packages")
    progress.run(
        [go, "build", "-v", f"-p={_compilers()}", *flags, f"-o={output}", target.package],
        env=env,
        cwd=target.module,
        counts=lambda line: not line.startswith("go: "),
        report=lambda count: f"{count:,} of {total:,} packages" if count < total else "linking",
    )


def _environment(work: Path) -> dict[str, str]:
    """Go's environment: the caller's proxies and mirrors, but nothing that changes what is built or where it lands."""
    foreign = {"GOOS", "GOARCH", "GOEXPERIMENT", "GOROOT"}
    return {name: value for name, value in os.environ.items() if name not in foreign} | {
        "CGO_ENABLED": "0",
        "GOCACHE": str(work / "compiled"),
        "GOFLAGS": "-mod=readonly -modcacherw",  # a module cache that can be removed again
        "GOMODCACHE": str(work / "modules"),
        "GOPATH": str(work / "go"),
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }


def _compilers() -> int:
    """How many compilers may run at once: one a core, as far as the memory goes."""
    cores = os.cpu_count() or 1
    memory = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for limit in _CONTAINER_MEMORY_LIMITS:
        with contextlib.suppress(OSError, ValueError):  # another cgroup version, or "max"
            memory.append(int(Path(limit).read_text()))
    return max(1, min(cores, min(memory) // _MEMORY_PER_COMPILER))


@contextlib.contextmanager
def _builder_lock(path: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock; while another process holds it, say so."""
    with path.open("w") as lock:
        next_word = time.monotonic()
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= next_word:
                    progress.say(f"another process builds (it holds {path}): waiting for it")
                    next_word = time.monotonic() + HEARTBEAT_SECONDS
                time.sleep(_LOCK_POLL_SECONDS)
        yield
