"""The command `nvcf-simulator`."""

import asyncio
import json
import os
import sys
from contextlib import suppress
from pathlib import Path

import click
from aiohttp import web

from nvcf_simulator.control.api import control_app
from nvcf_simulator.http.routing import CONTROL
from nvcf_simulator.http.server import Server
from nvcf_simulator.scenario import Scenario, ScenarioError, load
from nvcf_simulator.service import Service
from nvcf_simulator.state_file import StateFile

PREFIX = "/v2/nvcf"


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=0, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 for any free one.")
@click.option("--scenario", type=click.Path(dir_okay=False, path_type=Path), help="YAML file of what there is.")
@click.option("--state", type=click.Path(dir_okay=False, path_type=Path), help="File that keeps the state.")
@click.option("--with-parent", is_flag=True, help="End with the process that started this one.")
@click.version_option(package_name="nvcf-operator")
def main(host: str, port: int, scenario: Path | None, state: Path | None, with_parent: bool) -> None:
    """Serve an NVCF account; print one JSON line with its url when it listens."""
    try:
        chosen = load(scenario)
    except ScenarioError as error:
        raise click.ClickException(str(error)) from None
    parent = os.getppid() if with_parent else None
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(chosen, host, port, state, parent))


async def serve(scenario: Scenario, host: str, port: int, state: Path | None, parent: int | None) -> None:
    """Serve until cancelled, or until the parent is gone."""
    service = Service(scenario.world())
    for fault in scenario.faults:
        service.faults.add(fault)
    kept = StateFile(service, state) if state is not None else None
    if kept is not None:
        kept.load()
    app = web.Application(client_max_size=4 * 1024 * 1024)
    app.add_subapp(f"/{CONTROL}", control_app(service))
    app.router.add_route("*", "/{path:.*}", Server(service).handle)
    runner = web.AppRunner(app, access_log=None, handle_signals=True, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        click.echo(f"nvcf-simulator: cannot listen on {host}:{port}: {error.strerror or error}", err=True)
        sys.exit(1)
    shown = f"[{host}]" if ":" in host else host
    base = f"http://{shown}:{runner.addresses[0][1]}"
    line = {"url": base + PREFIX, "pid": os.getpid(), "control": f"{base}/{CONTROL}"}
    click.echo(json.dumps(line))
    sys.stdout.flush()
    loops = [asyncio.create_task(service.loop.run())]
    if kept is not None:
        loops.append(asyncio.create_task(kept.keep()))
    try:
        while parent is None or os.getppid() == parent:
            await asyncio.sleep(0.2)
            for task in loops:
                if task.done():
                    task.result()
    finally:
        for task in loops:
            task.cancel()
        if kept is not None:
            kept.save()
        await runner.cleanup()
