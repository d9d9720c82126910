"""Commands that read the journal: parcels, one parcel's story, intents without outcome, counts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from edge.cli.asking import DEFAULT_CONFIG, AsJson, Config, load, stop

app = typer.Typer()
journal = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Read the journal; it is never written. 查看流水记录。"
)
app.add_typer(journal, name="journal")


@journal.command("orders")
def journal_orders(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """List parcels, those in work first (列出包裹)."""
    from edge import journal_view  # noqa: PLC0415  # starts faster without

    rows = _look(config, "orders", journal_view.orders)
    _show(rows, as_json, lambda row: f"{row['parcel_id']}  {row['stage']:<20} {row['changed_at']}  {row['piece_id']}")


@journal.command("parcel")
def journal_parcel(
    parcel_id: Annotated[str, typer.Argument(help="par_… 包裹编号")],
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Tell one parcel's story, entry by entry (查看一个包裹的全过程)."""
    from edge import journal_view  # noqa: PLC0415  # starts faster without

    rows = _look(config, "story", lambda run: journal_view.story(run, parcel_id), parcel_id=parcel_id)
    _show(rows, as_json, lambda row: f"{row['sequence']:>7}  {row.get('at', '')}  {row['what']:<20} {_rest(row)}")


@journal.command("intents")
def journal_intents(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """List what devices were told to do and nobody knows whether they did (列出结果未知的动作)."""
    from edge import journal_view  # noqa: PLC0415  # starts faster without

    rows = _look(config, "intents", journal_view.open_intents)
    _show(
        rows, as_json, lambda row: f"{row['intent_id']}  {row['parcel_id']}  {row['act']} {row['device']} {row['at']}"
    )


@journal.command("summary")
def journal_summary(config: Config = DEFAULT_CONFIG) -> None:
    """Count entries, open commands, unconfirmed reports, parcels in work (数量汇总)."""
    from edge import journal_view  # noqa: PLC0415  # starts faster without

    print(json.dumps(_look(config, "summary", journal_view.summary), indent=1))


def _look(config: Path, verb: str, look: Callable[[Any], Any], **facts: str) -> Any:
    """Ask the running daemon, or look into the file of one that does not run."""
    from edge.control_socket import DaemonDownError, VerbFailedError, ask, socket_path  # noqa: PLC0415
    from edge.journal_view import JournalAbsentError, read_file  # noqa: PLC0415  # as in every command

    data_dir = load(config).shop.data_dir
    try:
        return ask(socket_path(data_dir), verb, **facts)
    except DaemonDownError:
        pass
    except VerbFailedError as error:
        stop(str(error), 1)
    try:
        return read_file(data_dir / "journal.db", look)
    except (JournalAbsentError, LookupError) as error:
        stop(str(error.args[0] if error.args else error), 1)


def _show(rows: list[dict[str, Any]], as_json: bool, line: Callable[[dict[str, Any]], str]) -> None:
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for row in rows:
        print(line(row))
    if not rows:
        print("nothing 无")


def _rest(row: dict[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in row.items() if key not in ("sequence", "at", "what"))
