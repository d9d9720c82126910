"""`vitrine doctor`: how the box is, line by line, with what to do about each that is not well."""

import json
import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from edge.cli.asking import DEFAULT_CONFIG, AsJson, Config

if TYPE_CHECKING:
    from edge.care.lines import Line

app = typer.Typer()

COLOURS = {"ok": typer.colors.GREEN, "warn": typer.colors.YELLOW, "bad": typer.colors.RED, "unknown": typer.colors.CYAN}


@app.command()
def doctor(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Say how this box is: host, clock, certificate, disk, link, broker, relay, journal, devices (体检).

    Each line says ok, warn, bad or unknown, and what to do. It works beside the running daemon and without it; then it
    says less. Nothing is written and nothing moves. Ends with 0 when all is well, 1 when something warns or could not
    be looked at, 2 when something is bad.

    每行给出结果和处理办法；退出码：0 正常，1 有警告或无法检查，2 有故障。
    """
    from edge.care.doctor import examine  # noqa: PLC0415  # loads drivers and TLS, which most commands don't need
    from edge.care.lines import exit_code  # noqa: PLC0415

    found = []
    for one in examine(config, lambda: datetime.now(UTC)):
        found.append(one)
        if not as_json:
            show(one)
    if as_json:
        print(json.dumps([one.as_json() for one in found], ensure_ascii=False, indent=1))
    raise typer.Exit(exit_code(found))


def show(one: "Line") -> None:
    """Print one line, and below it what to do; colours only on a terminal."""
    word = f"{one.verdict.value:<8}"
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        word = typer.style(word, fg=COLOURS[one.verdict.value])
    where = f"  ({one.where})" if one.where else ""
    print(f"{word}{one.check:<20} {one.says.en}  {one.says.zh}{where}", flush=True)
    if one.todo.en:
        print(f"{'':<8}{'':<20} → {one.todo.en}\n{'':<8}{'':<20}   {one.todo.zh}", flush=True)
