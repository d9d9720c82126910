"""`logs`: what the daemon wrote, from systemd's journal when it is there, else from its log file."""

import json
import re
import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from edge.cli.asking import DEFAULT_CONFIG, EXIT_FAILED, EXIT_USAGE, Config, data_dir_of, stop
from edge.cli.language import say, teaching
from edge.cli.terminal import GREY, RED, YELLOW, paint

app = typer.Typer()

UNIT = "vitrine-edge"
LEVELS = ("debug", "info", "warning", "error", "critical")
COLOURS = {"debug": GREY, "warning": YELLOW, "error": RED, "critical": RED}
READ_MAX = 20_000
"""Lines looked through for those that are shown: days of a quiet shop, hours of a noisy one."""

FOLLOW_S = 0.3
KNOWN = ("at", "level", "room", "message", "error")


@app.command(
    help=teaching(
        """Show what the daemon wrote: newest lines last; warnings yellow, errors red.

        Taken from systemd's journal when the service runs there, else from edge.log in the data directory.

        Examples: vitrine-edge logs --level warning
                  vitrine-edge logs --follow""",
        """查看守护程序日志，最新的在最后；警告为黄色，错误为红色。

        由 systemd 运行时读取系统日志，否则读取数据目录中的 edge.log。

        例：vitrine-edge logs --level warning
            vitrine-edge logs --follow""",
    )
)
def logs(
    config: Config = DEFAULT_CONFIG,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help=say("Go on until Ctrl-C", "持续显示，Ctrl-C 结束"))
    ] = False,
    level: Annotated[
        str, typer.Option("--level", "-l", help=say("debug, info, warning, error or critical", "最低级别"))
    ] = "info",
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help=say("How many lines", "行数"))] = 50,
    file: Annotated[Path | None, typer.Option("--file", help=say("Read this log file", "读取此日志文件"))] = None,
    as_json: Annotated[bool, typer.Option("--json", help=say("Print the lines as they are", "原样输出"))] = False,
) -> None:
    """Show what the daemon wrote."""
    if level.lower() not in LEVELS:
        stop(
            say(
                f"--level {level}: must be one of {', '.join(LEVELS)}",
                f"--level {level}：须为 {'、'.join(LEVELS)} 之一",
            ),
            EXIT_USAGE,
        )
    source = _source(config, file, follow=follow)
    least = LEVELS.index(level.lower())
    try:
        for line in _newest(source, least, lines):
            print(line if as_json else _shown(line), flush=follow)
    except KeyboardInterrupt:
        raise typer.Exit from None


def _source(config: Path, file: Path | None, *, follow: bool) -> Iterator[str | None]:
    """Return the raw lines, then None where the stored ones end, then (following) the new ones."""
    if file is None and _has_journal():
        return _from_journal(follow=follow)
    path = file or data_dir_of(config) / "edge.log"
    if not path.is_file():
        stop(
            say(
                f"no log: systemd's journal has no lines of {UNIT} that this account may read, and there is no {path}\n"
                "  Run with sudo, or name a file with --file",
                f"没有日志：系统日志中没有可读的 {UNIT} 记录，也没有 {path}\n  请用 sudo 运行，或用 --file 指定",
            ),
            EXIT_FAILED,
        )
    return _from_file(path, follow=follow)


def _has_journal() -> bool:
    import shutil
    import subprocess

    journalctl = shutil.which("journalctl")
    if journalctl is None:
        return False
    command = [journalctl, "--unit", UNIT, "--output", "cat", "--lines", "1", "--quiet", "--no-pager"]
    ended = subprocess.run(command, capture_output=True, timeout=20, check=False)  # noqa: S603  # no input
    return ended.returncode == 0 and bool(ended.stdout.strip())


def _from_journal(*, follow: bool) -> Iterator[str | None]:
    import subprocess

    stored = ["journalctl", "--unit", UNIT, "--output", "cat", "--quiet", "--no-pager"]
    ended = subprocess.run([*stored, "--lines", str(READ_MAX)], capture_output=True, check=False)  # noqa: S603  # no input
    yield from ended.stdout.decode("utf-8", "replace").splitlines()
    yield None
    if follow:
        command = [*stored, "--follow", "--lines", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace") as process:  # noqa: S603  # journalctl, no shell
            assert process.stdout is not None
            yield from (line.rstrip("\n") for line in process.stdout)


def _from_file(path: Path, *, follow: bool) -> Iterator[str | None]:
    """Read a file from its beginning; when it was replaced by a fresh one, that one from its beginning."""
    inode, rest, is_first = -1, "", True
    file = path.open(encoding="utf-8", errors="replace")
    try:
        while True:
            inode = path.stat().st_ino if inode == -1 else inode
            *whole, rest = (rest + file.read()).split("\n")
            yield from whole
            if is_first:
                yield None
                is_first = False
            if not follow:
                return
            time.sleep(FOLLOW_S)
            if path.exists() and path.stat().st_ino != inode:
                yield from file.read().splitlines()
                file.close()
                file, inode, rest = path.open(encoding="utf-8", errors="replace"), -1, ""
    finally:
        file.close()


def _newest(source: Iterable[str | None], least: int, lines: int) -> Iterator[str]:
    """Yield the last lines at or above a level that are stored, then each new one."""
    kept: deque[str] = deque(maxlen=lines)
    is_live = False
    for line in source:
        if line is None:
            yield from kept
            is_live = True
        elif _level(line) >= least:
            if is_live:
                yield line
            else:
                kept.append(line)


def _level(line: str) -> int:
    """Return the place of a line's level; what is no line of ours (a crash of Python itself) counts as an error."""
    name = str(_facts(line).get("level", "error")).lower()
    return LEVELS.index(name) if name in LEVELS else LEVELS.index("error")


def _facts(line: str) -> dict[str, Any]:
    try:
        facts = json.loads(re.sub(r"^<\d>", "", line))
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


def _shown(line: str) -> str:
    facts = _facts(line)
    if not facts:
        return line
    level = str(facts.get("level", ""))
    rest = "  ".join(f"{key}={value}" for key, value in facts.items() if key not in KNOWN)
    at = str(facts.get("at", "")).replace("T", " ").replace("+00:00", "Z")
    text = f"{paint(at, GREY)}  {paint(f'{level:<8}', COLOURS.get(level, ''))}  {facts.get('message', '')}"
    text += f"  {paint(rest, GREY)}" if rest else ""
    error = facts.get("error")
    return f"{text}\n{error}" if error else text
