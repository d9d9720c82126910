"""The operator's command that makes shoppers' purchase records again from orders and counter sales."""

from pathlib import Path
from typing import Annotated

import typer

from cloud_relay.db import Database
from cloud_relay.settings import BadSettingsError, load

app = typer.Typer(no_args_is_help=True, help="What shoppers bought, as their own records keep it.")


@app.callback()
def _records() -> None:
    """What shoppers bought, as their own records keep it."""


@app.command()
def rebuild(data: Annotated[Path, typer.Option("--data", help="The relay's data folder.")]) -> None:
    """Make every shopper's purchases again from orders and counter sales; say what was not as they say.

    Each shopper is a transaction of its own, so a running relay goes on.
    """
    from cloud_relay.records import rebuilding, store  # only this command loads the trade

    try:
        database = Database(load(data).database_url)
    except BadSettingsError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    shoppers = database.read_now(store.shoppers)
    done = [database.run_now(rebuilding.rebuild, account_id) for account_id in shoppers]
    missing, surplus, different = (sum(getattr(one, name) for one in done) for name in rebuilding.Rebuilt.__slots__)
    database.close()
    typer.echo(f"{len(shoppers)} shoppers: {missing} rows missing, {surplus} too many, {different} different; mended")
