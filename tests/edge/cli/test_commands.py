"""The technician's commands as processes: they teach, name what is wrong, and read a journal that nobody runs."""

import asyncio
import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edge.cli import app
from edge.control_socket import DaemonDownError, VerbFailedError, ask, control_socket, socket_path
from edge.journal import Journal
from edge.journal.transaction import Transaction
from tests.edge.cli.conftest import vitrine
from wire.plan import Address
from wire.reports import PieceGone
from wire.values import format_time

ROOT = Path(__file__).parents[3]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "shop.toml"
    path.write_text((ROOT / "config/edge/studio.toml").read_text().replace("/var/lib/vitrine-edge", "box"))
    return path


def test_help_teaches_every_command_in_both_languages():
    shown = {language: vitrine("--language", language, "--help").stdout for language in ("en", "zh")}
    for command in (
        "run",
        "check-config",
        "enrol",
        "status",
        "devices",
        "camera",
        "printer",
        "teach",
        "journal",
        "logs",
    ):
        assert all(f"  {command} " in text for text in shown.values())
    assert "config/edge" in shown["en"] and "Exit codes" in shown["en"] and "写配置文件" not in shown["en"]
    assert "写配置文件" in shown["zh"] and "退出码" in shown["zh"]
    for locale in ("zh_CN.UTF-8", "zh_TW.UTF-8"):
        assert "写配置文件" in vitrine("--help", LANG=locale).stdout
    assert "写配置文件" not in vitrine("--help", LANG="zh_CN.UTF-8", LC_ALL="de_DE.UTF-8").stdout


def commands(group: Any = app) -> Iterator[tuple[str, str]]:
    """Yield every command with its help, those of groups too."""
    for one in group.registered_commands:
        yield one.name or one.callback.__name__, one.help or one.callback.__doc__
    for inner in group.registered_groups:
        yield from commands(inner.typer_instance)


def test_every_command_of_ours_has_an_example():
    ours = ("run", "check_config", "enrol", "status", "devices", "look", "label", "simulate", "logs", "spot", "face")
    shown = dict(commands())
    missing = [name for name in (*ours, "limits", "label-place", "orders", "order", "parcel", "intents", "summary")
               if "Example" not in shown[name]]  # fmt: skip
    assert missing == []
    assert all(shown.values())


LIGHT = ("aiortc", "av", "cv2", "numpy", "PIL", "cryptography", "asyncio", "escpos", "pymodbus", "httpx", "rich")


def test_a_light_command_loads_nothing_heavy(config):
    """What made each command start slowly: drivers, pictures, TLS, an event loop that it never runs."""
    ask = "import sys; from edge.cli import app; app(sys.argv[1:], standalone_mode=False)"
    for words in (
        ["--help"],
        ["devices"],
        ["journal", "summary"],
        ["printer", "status"],
        ["logs"],
        ["teach", "--help"],
    ):
        asked = words if "--help" in words else [*words, "--config", str(config)]
        code = f"import sys, atexit; atexit.register(lambda: print('LOADED', *sys.modules)); {ask}"
        ended = subprocess.run(
            [sys.executable, "-c", code, *asked], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )
        loaded = ended.stdout.rpartition("LOADED")[2].split()
        assert "edge.cli" in loaded, ended.stderr
        assert [name for name in LIGHT if name in loaded] == [], words


def test_without_a_daemon_a_command_says_so_and_what_to_do(config, tmp_path):
    asked = [["status"], ["devices"], ["printer", "status"], ["camera", "look", "front", "--out", str(tmp_path / "a")]]
    for words in asked:
        ended = vitrine(*words, "--config", str(config))
        assert ended.returncode == 3 and ended.stdout == "", words
        assert "does not run" in ended.stderr and "systemctl start vitrine-edge" in ended.stderr
    assert "守护程序未在运行" in vitrine("devices", "--config", str(config), LANG="zh_CN.UTF-8").stderr
    unreadable = vitrine("devices", "--config", str(tmp_path / "no.toml"))
    assert unreadable.returncode == 78 and "--config" in unreadable.stderr


def test_the_shell_completes_commands_and_names(config):
    shown = vitrine("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert shown.returncode == 0 and "vitrine" in shown.stdout
    offered = vitrine(
        _VITRINE_EDGE_COMPLETE="complete_bash", COMP_WORDS="vitrine-edge camera look ", COMP_CWORD="3",
        VITRINE_CONFIG=str(config),
    )  # fmt: skip
    assert offered.stdout.split() == ["front", "bench"]


def test_check_config_says_what_is_there_or_everything_that_is_wrong(config):
    good = vitrine("check-config", "--config", str(config), "--json")
    assert good.returncode == 0 and json.loads(good.stdout)["viewing"] == ["front"]
    assert vitrine("check-config", VITRINE_CONFIG=str(config)).returncode == 0
    config.write_text(config.read_text().replace('pin = "1357"', 'pin = "x"').replace('model = "zpl"', 'model = "xpl"'))
    bad = vitrine("check-config", "--config", str(config))
    assert bad.returncode == 78 and bad.stdout == ""
    assert f"{config}: device.printer: there is no model 'xpl'" in bad.stderr and "Traceback" not in bad.stderr


def test_a_file_that_is_not_there_is_named():
    ended = vitrine("run", "--config", "/nowhere/shop.toml")
    assert ended.returncode == 78 and "/nowhere/shop.toml: cannot be read" in ended.stderr


def fill(path: Path) -> None:
    """Write a journal with a parcel whose row holds an address, and an intent without outcome."""

    def work(tx: Transaction) -> None:
        address = Address(name="李小龙", lines=("人民路 1 号",), postal_code="1", city="杭州", country="CN")
        row = {
            "parcel_id": "par_1", "piece_id": "pie_1", "stage": "printing_in_doubt", "line_no": 1, "is_open": 1,
            "body": json.dumps({"to": address.name, "order_id": "ord_1"}), "changed_at": tx.at,
        }  # fmt: skip
        tx.put("parcels", row, "parcel", parcel_id="par_1", stage="printing_in_doubt")
        intent = {
            "intent_id": "int_1", "parcel_id": "par_1", "act": "print_label", "device": "printer", "at": tx.at,
            "detail": "{}", "outcome": "", "outcome_at": None,
        }  # fmt: skip
        tx.put("intents", intent, "intent", act="print_label", parcel_id="par_1")

    async def write() -> None:
        journal = Journal(path, "studio", now=lambda: datetime.now(UTC))
        await journal.open()
        await journal.write(work)
        await journal.append_report(PieceGone(parcel_id="par_1", at=datetime.now(UTC)))
        await journal.close()

    asyncio.run(write())


def test_the_journal_of_a_daemon_that_does_not_run_is_read_and_not_written(config):
    missing = vitrine("journal", "orders", "--config", str(config))
    assert missing.returncode == 1 and "journal.db" in missing.stderr
    path = config.parent / "box" / "journal.db"
    fill(path)
    before = path.read_bytes()
    orders = json.loads(vitrine("journal", "orders", "--json", "--config", str(config)).stdout)
    assert [(row["parcel_id"], row["stage"]) for row in orders] == [("par_1", "printing_in_doubt")]
    intents = json.loads(vitrine("journal", "intents", "--json", "--config", str(config)).stdout)
    assert [(row["act"], row["device"]) for row in intents] == [("print_label", "printer")]
    story = vitrine("journal", "parcel", "par_1", "--config", str(config))
    assert "intent" in story.stdout and "PieceGone" in story.stdout and "李小龙" not in story.stdout
    order = json.loads(vitrine("journal", "order", "ord_1", "--json", "--config", str(config)).stdout)
    assert {"parcel", "intent", "PieceGone"} & {row.get("type", row["what"]) for row in order}
    unknown = vitrine("journal", "parcel", "par_9", "--config", str(config))
    assert unknown.returncode == 1 and "par_9" in unknown.stderr
    summary = json.loads(vitrine("journal", "summary", "--config", str(config)).stdout)
    assert summary["reports_unconfirmed"] == 1 and summary["parcels_open"] == 1
    assert path.read_bytes() == before
    assert vitrine("status", "--config", str(config)).returncode == 3


def test_every_query_fits_the_journals_own_tables(tmp_path):
    fill(tmp_path / "journal.db")
    with sqlite3.connect(tmp_path / "journal.db") as connection:
        columns = {row[1] for row in connection.execute("pragma table_info(parcels)")}
    connection.close()
    assert {"parcel_id", "piece_id", "stage", "is_open", "changed_at"} <= columns
    assert format_time(datetime.now(UTC)).endswith("Z")


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    """A data directory whose path alone is longer than a unix address may be (108 bytes)."""
    made = tmp_path / ("d" * 60) / ("e" * 60)
    made.mkdir(parents=True)
    return made


async def test_the_control_socket_answers_its_owner_only_and_however_deep_it_lies(deep):
    async def echo(asked: dict[str, Any]) -> Any:
        if "parcel_id" not in asked:
            raise LookupError("which parcel?")
        return {"parcel_id": asked["parcel_id"]}

    path = socket_path(deep)
    async with control_socket(path, {"echo": echo}):
        assert path.stat().st_mode & 0o077 == 0
        assert await asyncio.to_thread(ask, path, "echo", parcel_id="par_1") == {"parcel_id": "par_1"}
        with pytest.raises(VerbFailedError, match="which parcel"):
            await asyncio.to_thread(ask, path, "echo")
        with pytest.raises(VerbFailedError, match="unknown verb; known are echo"):
            await asyncio.to_thread(ask, path, "explode")
        before = threading.active_count()
        answers = await asyncio.gather(*(asyncio.to_thread(ask, path, "echo", parcel_id=str(no)) for no in range(8)))
        assert [answer["parcel_id"] for answer in answers] == [str(no) for no in range(8)] and before
    with pytest.raises(DaemonDownError):
        await asyncio.to_thread(ask, path, "echo")
