"""`devices`: the table of all devices, once or live."""

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from edge.cli.asking import DEFAULT_CONFIG, AsJson, Config, ask_daemon
from edge.cli.language import said, say, teaching
from edge.cli.terminal import BOLD, GREEN, GREY, RED, YELLOW, columns

app = typer.Typer()

WATCH_S = 1.0
COLOURS = {"online": GREEN, "needs_attendant": YELLOW, "offline": RED, "unknown": YELLOW}
STATES = {
    "online": say("online", "在线"),
    "needs_attendant": say("needs attendant", "需要店员"),
    "offline": say("offline", "离线"),
    "unknown": say("unknown", "未知"),
}


@app.command(
    help=teaching(
        """Show every device: what it is for, its driver, where it is plugged, how it is, when it last answered.

        Ends with 0 when every device is well, 1 when one is not, 3 when no daemon runs.

        Example: vitrine-edge devices --watch""",
        """列出所有设备：用途、驱动、地址、状态、最近一次应答。

        退出码：0 全部正常，1 有设备异常，3 守护程序未运行。

        例：vitrine-edge devices --watch""",
    )
)
def devices(
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help=say("Show it anew every second until Ctrl-C", "每秒刷新，Ctrl-C 结束"))
    ] = False,
) -> None:
    """Show every device."""
    if watch:
        try:
            _watch(config, as_json=as_json)
        except KeyboardInterrupt:
            raise typer.Exit from None
    rows = ask_daemon(config, "devices")
    _show(rows, as_json=as_json, is_whole=True)
    raise typer.Exit(any(row["health"] != "online" for row in rows))


def _watch(config: Path, *, as_json: bool) -> NoReturn:
    while True:
        rows = ask_daemon(config, "devices")
        if sys.stdout.isatty() and not as_json:
            print("\x1b[H\x1b[2J", end="")  # ECMA-48: cursor home, erase the screen
        _show(rows, as_json=as_json, is_whole=False)
        time.sleep(WATCH_S)


def _show(rows: list[dict[str, Any]], *, as_json: bool, is_whole: bool) -> None:
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=1 if is_whole else None), flush=True)
        return
    head = say("DEVICE|FOR|DRIVER|WHERE|STATE|LAST ANSWER", "设备|用途|驱动|地址|状态|最近应答").split("|")
    cells = [[*_cells(row)] for row in rows]
    colours = [["", GREY, "", GREY, COLOURS.get(row["health"], ""), GREY] for row in rows]
    for line in columns([head, *cells], [[BOLD] * len(head), *colours]):
        print(line)
    for row in rows:
        if row["health"] != "online" and said(row["text"]):
            print(f"{row['device']}: {said(row['text'])}" + (f"  [{row['words']}]" if row["words"] else ""))
    sys.stdout.flush()


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    state = STATES.get(row["health"], row["health"])
    if row["is_by_hand"]:
        state = say("by hand", "人工")
    elif row["reason"] and row["health"] != "online":
        state += f" ({row['reason']})"
    uses = ", ".join(row["roles"]) or say("nothing", "未使用")
    return row["device"], uses, row["driver"], row["address"] or "-", state, _answered(row)


def _answered(row: dict[str, Any]) -> str:
    if row["is_by_hand"]:
        return "-"
    if row["answered_ago_s"] is None:
        return say("never", "从未")
    ago = say(f"{row['answered_ago_s']:.0f} s ago", f"{row['answered_ago_s']:.0f} 秒前")
    return ago + (say(", in use", "，使用中") if row["is_in_use"] else "")
