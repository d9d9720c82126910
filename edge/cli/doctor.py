"""`vitrine-edge doctor`: how the box is, line by line, with what to do about each that is not well."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from edge.cli.asking import DEFAULT_CONFIG, AsJson, Config
from edge.cli.language import say
from edge.cli.terminal import GREEN, GREY, RED, YELLOW, paint

if TYPE_CHECKING:
    from edge.care.lines import Finding

app = typer.Typer()

COLOURS = {"ok": GREEN, "warn": YELLOW, "bad": RED, "unknown": GREY}


@app.command(
    help=say(
        """Say how this box is: host, clock, certificate, disk, link, broker, relay, journal, devices.

        Each line says ok, warn, bad or unknown, and what to do. It works beside the running daemon and without it;
        then it says less. Nothing is written and nothing moves.

        Ends with 0 when all is well, 1 when something warns or could not be looked at, 2 when something is bad.

        Example: sudo vitrine-edge doctor""",
        """体检：主机、时钟、证书、磁盘、连接、消息服务器、平台、流水、设备。

        每行给出结果和处理办法。主机程序未运行时也可使用，但内容较少。不写入任何内容，设备不会动作。

        退出码：0 正常，1 有警告或无法检查，2 有故障。

        例：sudo vitrine-edge doctor""",
    )
)
def doctor(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Say how this box is."""
    from edge.care.doctor import examine
    from edge.care.lines import exit_code

    found = []
    for one in examine(config, lambda: datetime.now(UTC)):
        found.append(one)
        if not as_json:
            show(one)
    if as_json:
        print(json.dumps([one.as_json() for one in found], ensure_ascii=False, indent=1))
    raise typer.Exit(exit_code(found))


def show(one: "Finding") -> None:
    """Print one line, and below it what to do; colours only on a terminal."""
    word = paint(f"{one.verdict.value:<8}", COLOURS[one.verdict.value])
    where = f"  ({one.where})" if one.where else ""
    print(f"{word}{one.check:<20} {say(one.says.en, one.says.zh)}{where}", flush=True)
    if one.todo.en:
        print(f"{'':<28} → {say(one.todo.en, one.todo.zh)}", flush=True)
