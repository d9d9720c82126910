"""`vitrine support-bundle`: one file for whoever helps, with nothing of anybody in it."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from edge.cli.asking import DEFAULT_CONFIG, Config, stop

app = typer.Typer()


@app.command("support-bundle")
def support_bundle(
    config: Config = DEFAULT_CONFIG,
    to: Annotated[
        Path | None,
        typer.Option("--to", help="The file to write; default: vitrine-support-<time>.tar.gz here 输出文件"),
    ] = None,
    log: Annotated[Path | None, typer.Option(help="A log file; default: the service's own log 日志文件")] = None,
) -> None:
    """Gather versions, configuration, log, journal counts, device states and doctor's lines (生成支持包).

    Names, addresses, telephone numbers, PINs, passwords, keys, tokens and network addresses are left out: a text goes
    in only if it stands in Vitrine's own source. Look into the file before you send it: tar xzf FILE.

    支持包不含姓名、地址、电话、PIN、密码、密钥、令牌和网络地址；发送前可解压查看。
    """
    from edge.care import log_lines  # noqa: PLC0415  # starts faster without
    from edge.care.bundle import make_bundle, write_bundle  # noqa: PLC0415

    now = datetime.now(UTC)
    path = to or Path(f"vitrine-support-{now:%Y%m%d-%H%M%S}.tar.gz")
    try:
        lines = log_lines.from_file(log) if log else log_lines.from_systemd()
        files = make_bundle(config, lines, lambda: datetime.now(UTC), _tell)
        write_bundle(files, path, now)
    except OSError as error:
        stop(f"no bundle: {error.filename or path}: {error.strerror}", 1)
    if not lines:
        print(
            "no log lines: give the file with --log, or run as root 没有日志：请用 --log 指定或以 root 运行",
            file=sys.stderr,
        )
    print(f"{path}  {path.stat().st_size} bytes 字节")


def _tell(what: str) -> None:
    if sys.stderr.isatty():
        print(f"… {what}", file=sys.stderr, flush=True)
