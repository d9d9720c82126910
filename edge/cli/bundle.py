"""`vitrine-edge support-bundle`: one file for whoever helps, with nothing of anybody in it."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from edge.cli.asking import DEFAULT_CONFIG, Config, stop
from edge.cli.language import say
from edge.cli.terminal import progress

app = typer.Typer()


@app.command(
    "support-bundle",
    help=say(
        """Gather versions, configuration, log, journal counts, device states and doctor's lines into one file.

        Names, addresses, telephone numbers, PINs, passwords, keys, tokens and network addresses are left out: a text
        goes in only if it stands in Vitrine's own source. Look into the file before you send it: tar xzf FILE

        Example: sudo vitrine-edge support-bundle --to bundle.tar.gz""",
        """把版本、配置、日志、流水数量、设备状态和体检结果收集到一个文件。

        不含姓名、地址、电话、PIN、密码、密钥、令牌和网络地址：只有源代码里已有的文字才会放入。
        发送前可解压查看：tar xzf 文件

        例：sudo vitrine-edge support-bundle --to bundle.tar.gz""",
    ),
)
def support_bundle(
    config: Config = DEFAULT_CONFIG,
    to: Annotated[
        Path | None,
        typer.Option("--to", help=say("The file to write; default: vitrine-support-<time>.tar.gz here", "输出文件")),
    ] = None,
    log: Annotated[
        Path | None, typer.Option(help=say("A log file; default: the service's own log", "日志文件；默认读取系统日志"))
    ] = None,
) -> None:
    """Gather what helps."""
    from edge.care import log_lines
    from edge.care.bundle import make_bundle, write_bundle

    now = datetime.now(UTC)
    path = to or Path(f"vitrine-support-{now:%Y%m%d-%H%M%S}.tar.gz")
    try:
        lines = log_lines.from_file(log) if log else log_lines.from_systemd()
        with progress(say("gathering", "正在收集")):
            files = make_bundle(config, lines, lambda: datetime.now(UTC), lambda _what: None)
        write_bundle(files, path, now)
    except OSError as error:
        stop(f"no bundle: {error.filename or path}: {error.strerror}", 1)
    if not lines:
        words = say(
            "no log lines: give the file with --log, or run as root", "没有日志：请用 --log 指定，或以 root 运行"
        )
        print(words, file=sys.stderr)
    size = path.stat().st_size
    print(say(f"{path}  {size} bytes", f"{path}  {size} 字节"))


def _tell(what: str) -> None:
    if sys.stderr.isatty():
        print(f"… {what}", file=sys.stderr, flush=True)
