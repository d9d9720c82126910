"""The operator's commands for bad days: backup, restore, reconcile."""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cloud_relay import backup as files
from cloud_relay import put_back
from cloud_relay.authority import Authority
from cloud_relay.broker.mosquitto import write_configuration
from cloud_relay.clock import RelayClock
from cloud_relay.db import Database
from cloud_relay.migrations import migrate
from cloud_relay.settings import BadSettingsError, Settings, load
from wire.values import BadValueError, parse_time

if TYPE_CHECKING:
    from cloud_relay.trading import Trading

app = typer.Typer()

DataDir = Annotated[Path, typer.Option("--data", help="The relay's data folder.")]
ASK_TRIES = 10


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (files.BackupError, BadSettingsError, BadValueError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None


@app.command()
def backup(data: DataDir, to: Annotated[Path, typer.Option("--to", help="The file to write.")]) -> None:
    """Write database, settings, keys and broker rights into one file; the relay may run meanwhile.

    The file holds the CA's key: keep it as safe as the relay. Order pictures lie in DATA/pictures, each under its hash:
    copy that folder beside it (rsync); nothing in it ever changes.
    """
    with _told():
        size = files.make_backup(load(data), to, datetime.now(UTC))
    typer.echo(f"{to}  {size} bytes")


@app.command()
def restore(
    data: DataDir,
    file: Annotated[Path | None, typer.Argument(help="What `backup` wrote; leave it out after pg_restore.")] = None,
    made_at: Annotated[str, typer.Option(help="When a pg_dump was made (RFC 3339); needed without a file.")] = "",
) -> None:
    """Put a backup back and make it fit to run; then `run`, and `reconcile` when the shops are back.

    Deadlines move by the time that was lost, the provider is asked about every payment without an answer, and no
    payout or refund leaves before `reconcile --done`.
    """
    with _told():
        if file is None and not made_at:
            raise files.BackupError("give a backup file, or --made-at after pg_restore")
        made = files.put_files_back(file, data) if file else parse_time(made_at, "--made-at")
        settings = load(data)
        _write_broker(settings)
    now, database = datetime.now(UTC), Database(settings.database_url)
    try:
        migrate(database)
        database.run_now(put_back.prepare, made, now)
        left = asyncio.run(_ask_provider(settings, database))
    finally:
        database.close()
    typer.echo(f"put back as it was at {made:%Y-%m-%d %H:%M:%S} UTC, {(now - made).total_seconds() / 3600:.1f} h ago")
    if left:
        typer.echo(
            f"{left} payments without an answer: the provider is away; `run` asks on. Do not open to shoppers yet"
        )
    typer.echo(f"next: python -m cloud_relay run --data {data}; then: python -m cloud_relay reconcile --data {data}")


def _write_broker(settings: Settings) -> None:
    authority = Authority(settings.data_dir / "pki")
    authority.prepare(datetime.now(UTC), settings.relay.name, settings.server_names)
    write_configuration(settings.data_dir / "mosquitto", settings, authority)


async def _ask_provider(settings: Settings, database: Database) -> int:
    """Ask about every open payment by its id; return how many are still without an answer."""
    trading = _trading(settings, database)
    for _ in range(ASK_TRIES):
        await trading.worker.work_once()
        left = await database.read(put_back.unasked)
        if not left:
            break
        await asyncio.sleep(0.5)
        await database.run(put_back.ask_again, datetime.now(UTC))
    return await database.read(put_back.unasked)


@app.command()
def reconcile(
    data: DataDir,
    done: Annotated[bool, typer.Option("--done", help="All was looked at: money may leave again.")] = False,
) -> None:
    """Say what is still open after a restore; ends with 1 while something is."""
    with _told():
        settings = load(data)
        database = Database(settings.database_url)
    try:
        if not database.read_now(put_back.is_marked):
            typer.echo("this relay was not put back, or is reconciled already")
            return
        open_ends = asyncio.run(_open_ends(_trading(settings, database), database))
        for text in open_ends:
            typer.echo(text)
        if done:
            database.run_now(put_back.clear_mark)
            typer.echo("payouts and refunds leave again")
        elif not open_ends:
            typer.echo("nothing is open; let money leave again with --done")
    finally:
        database.close()
    raise typer.Exit(1 if open_ends and not done else 0)


def _trading(settings: Settings, database: Database) -> "Trading":
    # only the commands of a bad day load the whole trade
    from cloud_relay.trading import trading_of

    return trading_of(settings, database, RelayClock())


async def _open_ends(trading: "Trading", database: Database) -> list[str]:
    away = [f"shop {shop_id}: not heard yet" for shop_id in await database.read(put_back.shops_behind)]
    left, outs = await database.read(put_back.unasked), await database.read(put_back.waiting_payouts)
    money = [f"{left} payments without an answer"] if left else []
    money += [f"{outs} payouts wait: is one of them at the provider already?"] if outs else []
    return [*away, *money, *await trading.worker.check()]
