"""`camera look`: what a camera sees, in the terminal or as a file."""

import base64
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from edge.cli.asking import DEFAULT_CONFIG, EXIT_FAILED, EXIT_USAGE, Config, converse, stop
from edge.cli.completing import cameras
from edge.cli.language import say, teaching
from edge.cli.terminal import draw, progress

app = typer.Typer()
camera = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help=say("Look through a camera of the shop.", "查看店内摄像头。"),
)
app.add_typer(camera, name="camera")

LOOK_S = 30.0
TERMINAL_PX = 640
"""Wider than any terminal has columns for."""


@camera.command(
    help=teaching(
        """Take a picture of the camera NAME and draw it here, or write the full still to a file.

        The daemon takes it, so it works while shoppers watch. A terminal that says COLORTERM=truecolor gets fine
        colours, others 256; with NO_COLOR it is drawn in signs.

        Examples: vitrine-edge camera look front
                  vitrine-edge camera look bench --out bench.jpg""",
        """拍一张摄像头 NAME 的画面，显示在终端里，或把原始照片写入文件。

        照片由守护程序拍摄，顾客看货时也可使用。终端支持真彩色时显示更细，设了 NO_COLOR 则用字符表示。

        例：vitrine-edge camera look front
            vitrine-edge camera look bench --out bench.jpg""",
    )
)
def look(
    name: Annotated[str, typer.Argument(help=say("The camera's name", "摄像头的设备名"), autocompletion=cameras)],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help=say("Write the full still here; - is stdout", "写入文件；- 为标准输出")),
    ] = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Take a picture and show it."""
    if out is None and not sys.stdout.isatty():
        stop(
            say(
                "standard output is no terminal, so no picture can be drawn: write it with --out FILE",
                "标准输出不是终端，无法显示画面：请用 --out FILE 写入文件",
            ),
            EXIT_USAGE,
        )
    with progress(say(f"{name} takes a picture", f"{name} 正在拍照")):
        taken = take(config, name, 0 if out else TERMINAL_PX)
    jpeg, size = base64.b64decode(taken["jpeg"]), f"{taken['width_px']} x {taken['height_px']}"
    if out is None:
        _draw(jpeg)
        print(f"{name}  {size}")
    elif str(out) == "-":
        sys.stdout.buffer.write(jpeg)
    else:
        _write(out, jpeg)
        print(f"{out}  {size}  {len(jpeg)} " + say("bytes", "字节"))


def take(config: Path, name: str, width_px: int) -> dict[str, Any]:
    """Return the daemon's picture of a camera, at most this wide (0: as it is)."""
    answer: dict[str, Any] = converse(
        config, "look", lambda talk: talk.finish(), reply_s=LOOK_S, name=name, width_px=width_px
    )
    return answer


def _draw(jpeg: bytes) -> None:
    try:
        for line in draw(jpeg):
            print(line)
    except ValueError as error:
        stop(str(error), EXIT_FAILED)


def _write(path: Path, jpeg: bytes) -> None:
    try:
        path.write_bytes(jpeg)
    except OSError as error:
        stop(
            say(
                f"{path}: cannot be written: {error.strerror}; name another place with --out",
                f"{path}：无法写入（{error.strerror}）；请用 --out 换个位置",
            ),
            EXIT_FAILED,
        )
