"""The command that compares the books, for a timer: 1 means that they differ and nothing else does."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from cloud_relay import books_cli, trading
from cloud_relay.cli import app
from cloud_relay.escrow.providers.base import Movement, ProviderUnknownError
from tests.cloud_relay.trade_servers import SECRET, WEBHOOK_SECRET

NOW = datetime(2030, 1, 2, 3, tzinfo=UTC)


class Told:
    """A provider whose list of a day is told by the test."""

    def __init__(self, name, said):
        self.name, self._said, self.is_closed = name, said, False
        self.reconciled = frozenset({"charge"})

    async def movements(self, first, after):
        if isinstance(self._said, Exception):
            raise self._said
        return [one for one in self._said if first <= one.at < after]

    async def close(self):
        self.is_closed = True


@pytest.fixture
def data(tmp_path, migrated_file):
    (tmp_path / "relay.sqlite3").write_bytes(migrated_file.read_bytes())
    (tmp_path / "relay.toml").touch()
    return tmp_path


@pytest.fixture
def run(data):
    runner = CliRunner(env={"VITRINE_PAYMENT_SECRET": SECRET, "VITRINE_PAYMENT_WEBHOOK_SECRET": WEBHOOK_SECRET})
    return lambda *words: runner.invoke(app, ["books", "--data", str(data), *words])


@pytest.fixture
def providers(monkeypatch):
    """Set the providers of the relay; each is closed in the end."""
    known = {}
    monkeypatch.setattr(trading, "trading_of", lambda *_: SimpleNamespace(providers=known))
    yield known
    assert all(one.is_closed for one in known.values())


def charge(at):
    return Movement(kind="charge", payment_id="pay_x", amount_minor=100, currency="CNY", at=at)


@pytest.mark.parametrize(
    ("text", "found"),
    [("", "2030-01-01"), ("2030-01-02", "2030-01-02"), ("2029-12-31", "2029-12-31"), ("2030-01-03", None),
     ("2999-01-01", None), ("0001-01-01", None), ("yesterday", None), ("2030-02-30", None)],
)  # fmt: skip
def test_a_day_that_has_not_begun_has_no_books(text, found):
    if found is None:
        with pytest.raises(ValueError, match=r"not begun|isoformat|day"):
            books_cli._day(text, NOW)
        return
    assert books_cli._day(text, NOW).isoformat() == found


def test_a_relay_without_a_database_has_no_books_that_differ(run, data):
    (data / "relay.sqlite3").unlink()
    found = run()
    assert found.exit_code == books_cli.UNASKED
    assert "no such table" in found.output and "migrate" in found.output


def test_one_provider_that_is_away_hides_no_difference_of_another(run, providers):
    day = datetime.now(UTC) - timedelta(days=2)
    providers |= {
        "gold": Told("gold", ProviderUnknownError("gold: no answer")),
        "silver": Told("silver", [charge(day.replace(hour=12))]),
    }
    found = run("--day", day.date().isoformat())
    assert found.exit_code == books_cli.UNASKED, "somebody has to look, and to ask again"
    assert "missing_here: charge pay_x ours nothing theirs 100 CNY" in found.output
    assert "error: gold: gold: no answer" in found.output


def test_one_provider_alone_is_asked(run, providers):
    day = datetime.now(UTC) - timedelta(days=2)
    providers["silver"] = Told("silver", [charge(day.replace(hour=12))])
    words = ("--provider", "silver", "--day", day.date().isoformat())
    assert run(*words).exit_code == books_cli.DIFFERENT
    providers["silver"] = Told("silver", [])
    agreed = run(*words)
    assert agreed.exit_code == 0 and "0 differences" in agreed.output
