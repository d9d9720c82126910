"""The operator's command that lays the ledger beside the providers' own lists."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from sqlalchemy.exc import DBAPIError

from cloud_relay.clock import RelayClock
from cloud_relay.db import Database, DatabaseBusyError
from cloud_relay.pages.days import FIRST_DAY
from cloud_relay.settings import BadSettingsError, Settings, load

if TYPE_CHECKING:
    from cloud_relay.escrow.reconciliation import Report

app = typer.Typer()

DIFFERENT, UNASKED = 1, 2
"""Exit codes: the books differ; a provider or the database could not be asked, a word is no good. 0: they agree."""


@app.command()
def books(
    data: Annotated[Path, typer.Option("--data", help="The relay's data folder.")],
    day: Annotated[str, typer.Option(help="The day in UTC, 2026-11-22; without one it is yesterday.")] = "",
    provider: Annotated[str, typer.Option(help="One payment provider; without one it is all of them.")] = "",
) -> None:
    """Compare a day of the ledger with each provider's own list; say what is missing, doubled or of another amount.

    Ends with 0 when the books agree, 1 when they differ, 2 when a provider could not be asked.
    """
    try:
        settings = load(data)
        chosen = _day(day, datetime.now(UTC))
        reports, unasked = asyncio.run(_compare(settings, chosen, provider))
    except (BadSettingsError, ValueError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(UNASKED) from None
    except (DBAPIError, DatabaseBusyError) as error:
        said = getattr(error, "orig", None) or error
        typer.echo(f"error: the database: {said}; is it there, and migrated (python -m cloud_relay migrate)?", err=True)
        raise typer.Exit(UNASKED) from None
    for report in reports:
        _say(report)
    for text in unasked:
        typer.echo(f"error: {text}", err=True)
    differ = any(report.differences for report in reports)
    raise typer.Exit(UNASKED if unasked else DIFFERENT if differ else 0)


def _day(text: str, now: datetime) -> date:
    """Return the day that is meant; ValueError for none and for one that has not begun: its books would agree."""
    found = date.fromisoformat(text) if text else (now - timedelta(days=1)).date()
    if not FIRST_DAY <= found <= now.date():
        raise ValueError(f"--day {found}: it has not begun yet (UTC), or is before {FIRST_DAY}")
    return found


async def _compare(settings: Settings, day: date, only: str) -> tuple[list["Report"], list[str]]:
    # only this command loads the whole trade
    from cloud_relay.escrow.providers.base import ProviderUnknownError
    from cloud_relay.escrow.reconciliation import compare_day
    from cloud_relay.trading import trading_of

    database = Database(settings.database_url)
    trading = trading_of(settings, database, RelayClock())
    if only and only not in trading.providers:
        raise ValueError(f"provider {only!r} is not set up; known are {', '.join(trading.providers)}")
    reports, unasked = [], []
    for name, known in trading.providers.items():
        try:
            if only in ("", name):
                reports.append(await compare_day(database, known, day))
        except ProviderUnknownError as error:
            unasked.append(f"{name}: {error}")
        await known.close()
    database.close()
    return reports, unasked


def _say(report: "Report") -> None:
    typer.echo(f"{report.provider} {report.day}: {len(report.lines)} movements, {len(report.differences)} differences")
    for currency, (ours, theirs) in report.sums().items():
        typer.echo(f"  {currency} ours {ours} theirs {theirs}")
    for line in report.differences:
        here, there = ("nothing" if one is None else one for one in (line.ours_minor, line.theirs_minor))
        said = f"{line.kind} {line.payment_id} ours {here} theirs {there} {line.currency}"
        typer.echo(f"  {line.difference}: {said}")
