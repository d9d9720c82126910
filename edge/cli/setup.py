"""`setup`: from a bare box to a live shop in one sitting, to be continued after any interruption."""

from pathlib import Path
from typing import Annotated

import typer

from edge.cli.asking import DEFAULT_CONFIG, EXIT_FAILED, EXIT_USAGE, Config, stop
from edge.cli.language import say

app = typer.Typer()


@app.command(
    help=say(
        """Set this box up, one question at a time: devices, configuration, claim, enrolment, bench check, live.

        Each question explains itself when you type a question mark. Leave at any moment with Ctrl-C: the next run goes
        on there. Devices are only asked how they are; nothing moves and nothing prints before the box's own label and
        the bench check. Only addresses that you type are tried on the network.

        Example: sudo vitrine-edge setup   ·   vitrine-edge setup --answers shop.answers.toml""",
        """逐步设置本机：设备、配置、认领、登记、自检、开通。

        每个问题输入 ? 可看说明。随时可按 Ctrl-C 离开，下次从中断处继续。对设备只查询状态：在打印主机标签和自检之前，
        不会动作也不会打印。网络上只尝试您输入的地址。

        例：sudo vitrine-edge setup   ·   vitrine-edge setup --answers shop.answers.toml""",
    )
)
def setup(
    config: Config = DEFAULT_CONFIG,
    answers: Annotated[
        Path | None,
        typer.Option("--answers", help=say("TOML file of answers: nobody is asked", "答案文件 (TOML)，无人值守")),
    ] = None,
    simulators: Annotated[
        Path | None,
        typer.Option("--simulators", help=say("Also offer the devices of a simulated shop's folder", "也列出模拟设备")),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help=say("Forget earlier answers and begin anew", "清除已有答案，重新开始"))
    ] = False,
) -> None:
    """Set this box up."""
    from edge.setting_up.answers import Answers, UnansweredError
    from edge.setting_up.notes import Notes
    from edge.setting_up.sitting import Sitting, SittingStoppedError

    notes = Notes(config.with_name(f".{config.stem}.setup.json"))
    if again:
        notes.forget()
    try:
        tell = _tell
        sitting = Sitting(config, Answers(notes, answers, tell), notes, simulators, tell)
        sitting.go()
    except UnansweredError as error:
        stop(say(f"an answer is missing or wrong: {error}", f"答案缺失或有误：{error}"), EXIT_USAGE)
    except SittingStoppedError as error:
        stop(f"{error}\n" + _how_on(config), EXIT_FAILED)
    except KeyboardInterrupt:
        stop("\n" + _how_on(config), 130)


def _tell(line: str) -> None:
    print(line, flush=True)


def _how_on(config: Path) -> str:
    command = f"vitrine-edge setup --config {config}"
    return say(f"Nothing is lost; go on with: {command}", f"已保存；继续请运行：{command}")
