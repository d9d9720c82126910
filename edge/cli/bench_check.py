"""`bench-check`: has the devices test each other, says each step as it ends, and asks what the page asks too."""

import json
import select
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from edge.cli.asking import DEFAULT_CONFIG, EXIT_FAILED, AsJson, Config, ask_daemon
from edge.cli.language import said, say
from edge.cli.terminal import GREEN, GREY, RED, paint

app = typer.Typer()

LOOK_S = 0.3
MARKS = {"passed": ("ok  ", GREEN), "failed": ("FAIL", RED), "skipped": ("--  ", GREY)}


@app.command(
    help=say(
        """Have the devices test each other; the card of it is the gate for going live.

        A code is printed, stuck on a test card (an empty, closed carton on the bench), read by camera and scanner; the
        turntable turns a quarter, the packing machine answers, the relay echoes. Refused while a parcel is on the
        bench. What a person must do stands here and on the attendant's page; answer in either place.
        Ends with 0 when it passed, 1 when a step failed or it was refused.

        Example: vitrine-edge bench-check   ·   vitrine-edge bench-check --last --json""",
        """让设备互相检验；检验卡是店铺开通的条件。

        打印测试码，贴到测试卡（工作台上一个封好的空纸箱），由摄像头和扫码枪读取；转台转 90°，打包机应答，平台回应。
        工作台上有包裹时不会进行。需要人做的事会显示在这里和店员页面上，任一处回答即可。
        退出码：0 通过，1 有步骤未通过或被拒绝。

        例：vitrine-edge bench-check   ·   vitrine-edge bench-check --last --json""",
    )
)
def bench_check(
    config: Config = DEFAULT_CONFIG,
    last: Annotated[bool, typer.Option("--last", help=say("Only show the newest card", "只显示最近一次结果"))] = False,
    as_json: AsJson = False,
) -> None:
    """Have the devices test each other."""
    card = newest(config) if last else follow(config, "asked", is_quiet=as_json)
    if card is None:
        print(
            say(
                "this bench was never checked; run: vitrine-edge bench-check",
                "尚未自检，请运行 vitrine-edge bench-check",
            )
        )
        raise typer.Exit(EXIT_FAILED)
    if as_json:
        print(json.dumps(card, ensure_ascii=False, indent=1))
    elif last:
        print(f"{card['ended_at']}  {card['occasion']}")
        for step in card["steps"]:
            print(line_of(step))
    if not as_json:
        print(verdict_of(card))
    raise typer.Exit(0 if card["is_passed"] else EXIT_FAILED)


def newest(config: Path) -> dict[str, Any] | None:
    """Return the newest card, or None."""
    cards = ask_daemon(config, "bench_check_state")["cards"]
    return cards[0] if cards else None


def follow(config: Path, occasion: str, *, is_quiet: bool = False) -> dict[str, Any]:
    """Begin a check and return its card when it is over and the test card is away; says each step as it ends."""
    check_id = ask_daemon(config, "bench_check", occasion=occasion)["check_id"]
    shown: set[str] = set()
    asked: set[str] = set()
    while True:
        state = ask_daemon(config, "bench_check_state")
        running = state["running"]
        card = next((one for one in state["cards"] if one["check_id"] == check_id), None)
        for step in (running or card or {"steps": []})["steps"]:
            if step["step"] not in shown and not is_quiet:
                print(line_of(step), flush=True)
            shown.add(step["step"])
        if card is not None and running is None and not state["is_clearing"]:
            return dict(card)
        _tend(config, state["asks"], asked, is_quiet=is_quiet)


def _tend(config: Path, asks: list[dict[str, Any]], asked: set[str], *, is_quiet: bool) -> None:
    """Show what a person must do; on a terminal Enter gives the first answer, n the second."""
    if not asks:
        time.sleep(LOOK_S)
        return
    task = asks[0]
    choices = list(zip(["", "n"], task["answers"], strict=False))
    if task["kind"] == "scan_test_label":  # the scan itself is the answer
        choices = [("n", task["answers"][0])]
    if task["task_id"] not in asked:
        asked.add(task["task_id"])
        keys = ", ".join(f"{key or say('Enter', '回车')}: {said(one['text'])}" for key, one in choices)
        if not is_quiet:
            print(f"  > {said(task['text'])}" + (f"  [{keys}]" if sys.stdin.isatty() else ""), flush=True)
    if not sys.stdin.isatty():
        time.sleep(LOOK_S)
        return
    if select.select([sys.stdin], [], [], LOOK_S)[0]:
        typed = sys.stdin.readline().strip().lower()
        answer = next((one["answer"] for key, one in choices if key == typed), None)
        if answer is not None:
            ask_daemon(config, "bench_check_answer", task_id=task["task_id"], answer=answer)


def line_of(step: dict[str, Any]) -> str:
    """Return one step as a line: mark, seconds, what it was, what was seen or must be done."""
    mark, colour = MARKS[step["result"]]
    device = f" ({step['device']})" if step["device"] else ""
    words = said(step["hint"]) if step["result"] == "failed" else said(step["text"])
    return f"{paint(mark, colour)} {step['took_s']:5.1f} s  {said(step['title'])}{device}: {words}"


def verdict_of(card: dict[str, Any]) -> str:
    """Return what the card means for the shop."""
    if not card["is_passed"]:
        return paint(say("not passed: mend what failed, then check again", "未通过：处理后请重新自检"), RED)
    if not card["is_whole"]:
        return say("passed, without paper", "通过（未用纸）")
    return paint(say("passed: the shop can be live", "通过：店铺可以开通"), GREEN)
