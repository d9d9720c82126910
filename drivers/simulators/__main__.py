"""`python -m drivers.simulators run WORLD.toml --dir RUNDIR`: one shop's physical world until it is told to end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from drivers.simulators.plan import BadPlanError, load_plan
from drivers.simulators.shop import run_until

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def simulators() -> None:
    """A shop's devices made of software on real ports."""


@app.command()
def run(
    world: Annotated[Path, typer.Argument(help="The world file (TOML).")],
    folder: Annotated[Path, typer.Option("--dir", help="Where ports.json, the truth log and the label pictures go.")],
    with_parent: Annotated[bool, typer.Option(help="End when standard input closes.")] = False,
) -> None:
    """Serve one shop's world; print one JSON line when every port serves."""
    try:
        plan = load_plan(world)
    except BadPlanError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    asyncio.run(_serve(plan, folder.resolve(), with_parent=with_parent))


async def _serve(plan: Any, folder: Path, *, with_parent: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if with_parent:
        loop.add_reader(sys.stdin.fileno(), lambda: None if os.read(sys.stdin.fileno(), 4096) else stop.set())
    await run_until(plan, folder, stop, _say_ready)


def _say_ready(description: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(description) + "\n")
    sys.stdout.flush()


app()
