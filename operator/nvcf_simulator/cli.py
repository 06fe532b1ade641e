"""The command `nvcf-simulator`."""

import asyncio
import json
import logging
import os
import select
import signal
from contextlib import suppress
from pathlib import Path

import click
from aiohttp import web

from nvcf_simulator.control import control_app
from nvcf_simulator.http.routing import CONTROL
from nvcf_simulator.scenario import ScenarioError, load
from nvcf_simulator.server import Server
from nvcf_simulator.service import Service
from nvcf_simulator.state_file import StateFile, StateFileError

PREFIX = "/v2/nvcf"
_LARGEST_BODY = 4 * 1024 * 1024
_PARENT_POLL_SECONDS = 0.2


class ParentWatch:
    """Detects the end of the process that started this one, directly or not."""

    def __init__(self, process: int) -> None:
        self._process = process
        self._descriptor: int | None = None
        if hasattr(os, "pidfd_open") and not self._unknown():
            self._descriptor = os.pidfd_open(process)  # immune to the reuse of process ids, and sees zombies

    def ended(self) -> bool:
        """Whether the process has ended, killed or not."""
        if self._descriptor is None:
            return self._unknown()
        return bool(select.select([self._descriptor], [], [], 0)[0])

    def _unknown(self) -> bool:
        try:
            os.kill(self._process, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=0, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 for any free one.")
@click.option("--scenario", type=click.Path(dir_okay=False, path_type=Path), help="YAML file with the initial state.")
@click.option("--state", type=click.Path(dir_okay=False, path_type=Path), help="File that the state is saved in.")
@click.option("--speed", type=click.FloatRange(min=0, min_open=True), help="How much faster the simulated clock runs.")
@click.option("--period", type=click.FloatRange(min=0, min_open=True), help="Seconds between two loop passes.")
@click.option("--deploy-seconds", type=click.FloatRange(min=0), help="Seconds an instance takes to start.")
@click.option("--old", is_flag=True, help="Serve the old generation of the API (2.87).")
@click.option("--parent-pid", type=click.IntRange(min=1), help="Exit when this parent process has ended.")
@click.version_option(package_name="nvcf-operator")
def main(
    host: str,
    port: int,
    scenario: Path | None,
    state: Path | None,
    speed: float | None,
    period: float | None,
    deploy_seconds: float | None,
    old: bool,
    parent_pid: int | None,
) -> None:
    """Serve an NVCF account; print one JSON line with its URL once it listens."""
    logging.basicConfig(level=logging.WARNING)
    try:
        chosen = load(scenario)
        given = {"period": period, "deploy_seconds": deploy_seconds, "generation": "old" if old else None}
        for name, value in given.items():
            if value is not None:
                setattr(chosen.behaviour, name, value)
        chosen.speed = speed or chosen.speed
        file = StateFile(state) if state else None
        service = Service.start(chosen, file.read() if file else None)
    except (ScenarioError, StateFileError) as error:
        raise click.ClickException(str(error)) from None
    try:
        asyncio.run(serve(service, host, port, file, ParentWatch(parent_pid) if parent_pid else None))
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror or error}") from None


async def serve(service: Service, host: str, port: int, file: StateFile | None, parent: ParentWatch | None) -> None:
    """Serve until a signal arrives or the parent is gone. Raises OSError if it cannot listen."""
    app = web.Application(client_max_size=_LARGEST_BODY)
    app.add_subapp(f"/{CONTROL}", control_app(service))
    app.router.add_route("*", "/{path:.*}", Server(service).handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    tasks = [asyncio.create_task(service.loop.run())]
    try:
        await web.TCPSite(runner, host, port).start()
        _announce(host, runner.addresses[0][1])
        if file is not None:
            tasks.append(asyncio.create_task(file.keep(service.world)))
        while not ended.is_set() and not (parent and parent.ended()):
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), _PARENT_POLL_SECONDS)
            for task in tasks:
                if task.done():
                    task.result()  # it only ends with an error: do not continue without it
    finally:
        for task in tasks:
            task.cancel()
        if file is not None:
            file.write(service.world)
        await runner.cleanup()


def _announce(host: str, port: int) -> None:
    base = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    click.echo(json.dumps({"url": base + PREFIX, "pid": os.getpid(), "control": f"{base}/{CONTROL}"}))
