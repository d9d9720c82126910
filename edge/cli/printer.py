"""`printer`: how the label printer is, and a test label."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge.cli.asking import DEFAULT_CONFIG, EXIT_FAILED, AsJson, Config, ask_daemon, converse
from edge.cli.language import said, say, teaching
from edge.cli.terminal import GREEN, YELLOW, paint, progress

if TYPE_CHECKING:
    from edge.control_client import Conversation

app = typer.Typer()
printer = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help=say("Ask the label printer, and try it.", "查询和测试标签打印机。"),
)
app.add_typer(printer, name="printer")

STATUS_S = 70.0
LABEL_S = 250.0
"""A little longer than the daemon itself waits for paper and for the person."""


@printer.command(
    help=teaching(
        """Ask the printer now: ready, paper, cover, what is loaded.

        Ends with 0 when it is ready, 1 when it needs somebody or cannot be reached.

        Example: vitrine-edge printer status""",
        """立即查询打印机：是否就绪、标签纸、盖子、纸张尺寸。

        退出码：0 就绪，1 需要处理或连接不上。

        例：vitrine-edge printer status""",
    )
)
def status(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Ask the printer now."""
    with progress(say("asking the printer", "正在查询打印机")):
        told = converse(config, "printer_status", lambda talk: talk.finish(), reply_s=STATUS_S)
    is_ready = told["condition"] == "online"
    if as_json:
        print(json.dumps(told, ensure_ascii=False, indent=1))
    else:
        words = said(told["text"]) or (say("ready", "就绪") if is_ready else told["condition"])
        print(f"{told['device']}  " + paint(words, GREEN if is_ready else YELLOW))
        size = f"{told['width_mm']:g} x {told['length_mm']:g} mm, {told['dots_per_mm']} dots/mm"
        print(say(f"labels {size}", f"标签纸 {size}") + (f"  [{told['raw']}]" if told["raw"] else ""))
    raise typer.Exit(0 if is_ready else EXIT_FAILED)


@printer.command(
    help=teaching(
        """Print one test label; it says TEST, and no scan of it can touch an order.

        It is refused while a parcel is on the bench or a bench check runs, and no parcel comes to the bench before
        you took the label out: press Enter then (at once with --no-wait).

        Example: vitrine-edge printer label""",
        """打印一张测试标签；上面写着“测试”，扫描它不会影响任何订单。

        工作台上有包裹或正在自检时不会打印；取下标签并按回车之前，包裹不会上工作台（--no-wait 则不等待）。

        例：vitrine-edge printer label""",
    )
)
def label(
    config: Config = DEFAULT_CONFIG,
    no_wait: Annotated[bool, typer.Option("--no-wait", help=say("Do not wait for Enter", "打印后不等待回车"))] = False,
) -> None:
    """Print one test label."""

    def work(talk: "Conversation") -> Any:
        with progress(say("printing", "正在打印")):
            told = talk.hear()
            while told.get("progress", {}).get("stage") == "printing":
                told = talk.hear()
        print(say(f"printed: {told['progress']['code']}", f"已打印：{told['progress']['code']}"), flush=True)
        if not no_wait and sys.stdin.isatty():
            print(say("Take the label out, then press Enter.", "请取下标签，然后按回车。"), end=" ", flush=True)
            sys.stdin.readline()
        talk.say({"taken": True})
        return talk.finish()

    converse(config, "test_label", work, reply_s=LABEL_S)
    if no_wait or not sys.stdin.isatty():
        print(say("Take it out before the next parcel comes.", "请在下一个包裹之前取下标签。"))


@printer.command(
    help=teaching(
        """List the printings of tags that are not over: how far, and what they wait for. --stop prints no more of one.

        Example: vitrine-edge printer tags --stop tpj_7c9f""",
        """列出尚未结束的标签打印任务：进度和等待原因。--stop 停止其中一个。

        例：vitrine-edge printer tags --stop tpj_7c9f""",
    )
)
def tags(
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
    stop: Annotated[str, typer.Option("--stop", metavar="JOB", help=say("Print no more of this", "停止此任务"))] = "",
) -> None:
    """List the printings of tags that are not over."""
    found = ask_daemon(config, "stop_tags", job_id=stop) if stop else ask_daemon(config, "tags")
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
        return
    if not found:
        print(say("no tags wait to be printed", "没有等待打印的标签"))
    for one in found:
        at_printer = say(f", {one['at_printer']} to be taken", f"，{one['at_printer']} 张待取")
        why = f"  [{one['reason']}]" if one["reason"] else ""
        left = at_printer if one["at_printer"] else ""
        print(f"{one['job_id']}  {one['printed']}/{one['total']}  {one['state']}{left}{why}")
