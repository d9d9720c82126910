"""The technician's commands. One file per group, each with a Typer `app`; a new file is added to GROUPS below."""

from typing import Annotated

import typer

from edge.cli import (
    backup,
    bench_check,
    bundle,
    camera,
    daemon,
    devices,
    doctor,
    journal,
    logs,
    printer,
    replace,
    setup,
    simulate,
    teach,
)
from edge.cli.language import LANGUAGES, say

GROUPS = (
    setup,
    daemon,
    devices,
    camera,
    printer,
    journal,
    logs,
    bench_check,
    doctor,
    bundle,
    backup,
    replace,
    simulate,
    teach,
)
"""Each file's `app` is joined into the one command line, in this order; `@app.command()` makes a command of it.

These files are imported by every command, Tab included: what loads slowly (drivers, pictures, TLS, asyncio) is imported
inside the function that needs it.
"""

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help=say(
        """The shop box: one daemon that owns the shop's cameras, printer, labeller, packer and scanner.

        A new box: write a configuration (examples lie in config/edge/), check it with `check-config`, get a claim code
        from the merchant's page, `enrol` with it, then `run` (as a service: systemd/vitrine-edge.service).

        Every command answers --help with an example. Exit codes: 0 done, 1 not done (the sentence says why), 2 wrong
        usage, 3 the daemon does not run, 70 the journal is damaged, 75 another daemon runs, 78 the configuration must
        be mended. Chinese: --language zh, or LANG=zh_CN.UTF-8.""",
        """店内主机：由一个守护程序统一管理摄像头、打印机、贴标机、打包机和扫码枪。

        新主机：先写配置文件（示例见 config/edge/），用 check-config 检查，在商家网页取得认领码后 enrol，然后 run
        （作为服务：systemd/vitrine-edge.service）。

        每个命令加 --help 都有示例。退出码：0 完成，1 未完成（见提示），2 用法错误，3 守护程序未运行，
        70 流水损坏，75 已有守护程序在运行，78 需修改配置。英文：--language en。""",
    ),
)
for group in GROUPS:
    app.add_typer(group.app)


@app.callback()
def options(
    language: Annotated[
        str,
        typer.Option(
            "--language",
            envvar="VITRINE_LANGUAGE",
            metavar="|".join(LANGUAGES),
            help=say("Language of the output; default: LANG", "输出语言；默认按 LANG"),
        ),
    ] = "",
) -> None:
    """Take the options before the command; the language is taken earlier, by edge.cli.language."""


def main() -> None:
    """Run the command line."""
    app(prog_name="vitrine-edge")
