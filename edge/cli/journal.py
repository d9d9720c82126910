"""Commands that read the journal: parcels, one parcel's or order's story, intents without outcome, counts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from edge.cli.asking import DEFAULT_CONFIG, EXIT_FAILED, AsJson, Config, data_dir_of, failure, stop, stop_down
from edge.cli.language import say, teaching
from edge.cli.terminal import BOLD, GREY, columns

app = typer.Typer()
journal = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help=say(
        "Read the journal, beside the running daemon or without it; it is never written.",
        "查看流水记录（守护程序是否运行均可）；只读。",
    ),
)
app.add_typer(journal, name="journal")


@journal.command(
    "orders",
    help=teaching(
        """List parcels, those in work first.

        Example: vitrine-edge journal orders""",
        """列出包裹，在办的在前。

        例：vitrine-edge journal orders""",
    ),
)
def journal_orders(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """List parcels, those in work first."""
    from edge import journal_view

    rows = _look(config, "orders", journal_view.orders)
    head = say("PARCEL|STAGE|SINCE|PIECE", "包裹|阶段|时间|货品").split("|")
    _show(rows, as_json, head, lambda row: (row["parcel_id"], row["stage"], row["changed_at"], row["piece_id"]))


@journal.command(
    "order",
    help=teaching(
        """Tell one order's story: every entry of its parcels.

        Example: vitrine-edge journal order ord_7c9f""",
        """查看一个订单的全过程（其所有包裹）。

        例：vitrine-edge journal order ord_7c9f""",
    ),
)
def journal_order(
    order_id: Annotated[str, typer.Argument(help=say("ord_…", "订单编号 ord_…"))],
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Tell one order's story."""
    from edge import journal_view

    rows = _look(config, "order", lambda run: journal_view.order(run, order_id), order_id=order_id)
    _tell(rows, as_json)


@journal.command(
    "parcel",
    help=teaching(
        """Tell one parcel's story, entry by entry. Addresses are left out.

        Example: vitrine-edge journal parcel par_7c9f""",
        """查看一个包裹的全过程；不含地址。

        例：vitrine-edge journal parcel par_7c9f""",
    ),
)
def journal_parcel(
    parcel_id: Annotated[str, typer.Argument(help=say("par_…", "包裹编号 par_…"))],
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Tell one parcel's story."""
    from edge import journal_view

    rows = _look(config, "story", lambda run: journal_view.story(run, parcel_id), parcel_id=parcel_id)
    _tell(rows, as_json)


@journal.command(
    "intents",
    help=teaching(
        """List what devices were told to do and nobody knows whether they did.

        What stands here for long waits for the attendant's answer: see their page.

        Example: vitrine-edge journal intents""",
        """列出结果未知的设备动作。

        长时间停留在此的动作在等店员回答：请看店员页面。

        例：vitrine-edge journal intents""",
    ),
)
def journal_intents(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """List intents without an outcome."""
    from edge import journal_view

    rows = _look(config, "intents", journal_view.open_intents)
    head = say("INTENT|PARCEL|ACT|DEVICE|SINCE", "动作编号|包裹|动作|设备|时间").split("|")
    _show(rows, as_json, head, lambda row: tuple(row[key] for key in ("intent_id", "parcel_id", "act", "device", "at")))


@journal.command(
    "summary",
    help=teaching(
        """Count entries, open commands, unconfirmed reports, parcels in work.

        Example: vitrine-edge journal summary""",
        """数量汇总：记录、未完成指令、未确认报告、在办包裹。

        例：vitrine-edge journal summary""",
    ),
)
def journal_summary(config: Config = DEFAULT_CONFIG) -> None:
    """Count what the journal holds."""
    from edge import journal_view

    print(json.dumps(_look(config, "summary", journal_view.summary), indent=1))


def _look(config: Path, verb: str, look: Callable[[Any], Any], **facts: str) -> Any:
    """Ask the running daemon, or look into the file of one that does not run."""
    from edge.control_client import (
        DaemonDownError,
        NoPermissionError,
        VerbFailedError,
        ask,
        socket_path,
    )
    from edge.journal_view import JournalAbsentError, read_file

    data_dir = data_dir_of(config)
    try:
        return ask(socket_path(data_dir), verb, **facts)
    except NoPermissionError as error:
        stop_down(config, error)
    except DaemonDownError:
        pass
    except VerbFailedError as error:
        stop(failure(error), EXIT_FAILED)
    try:
        return read_file(data_dir / "journal.db", look)
    except (JournalAbsentError, LookupError) as error:
        stop(str(error.args[0] if error.args else error), EXIT_FAILED)


def _show(
    rows: list[dict[str, Any]], as_json: bool, head: list[str], cells: Callable[[dict[str, Any]], tuple[str, ...]]
) -> None:
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    if not rows:
        print(say("nothing", "无"))
        return
    for line in columns([head, *map(cells, rows)], [[BOLD] * len(head), *([""] * len(head) for _row in rows)]):
        print(line)


def _tell(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    table = [(str(row["sequence"]), str(row.get("at", "")), row["what"], _rest(row)) for row in rows]
    for line in columns(table, [[GREY, GREY, "", GREY]] * len(table)):
        print(line)


def _rest(row: dict[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in row.items() if key not in ("sequence", "at", "what"))
