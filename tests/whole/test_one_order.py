"""One order the whole way with real processes, judged by what the simulators swear to and by independent readers."""

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NONCE = "W9X4"
WALK_S = 240


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    """The report folder of one `demo --once`, which is run as a person runs it."""
    report = tmp_path_factory.mktemp("once") / "out"
    command = [sys.executable, "-m", "demo", "--once", "--report", str(report), "--nonce", NONCE]
    walk = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=WALK_S, check=False)
    assert walk.returncode == 0, walk.stdout[-4000:] + walk.stderr[-4000:]
    return report


@pytest.fixture(scope="module")
def told(once):
    """report.json."""
    return json.loads((once / "report.json").read_text())


def read_codes(picture: Path) -> set[str]:
    """What zbarimg, which is not ours, reads in a picture."""
    found = subprocess.run(["zbarimg", "-q", "--raw", str(picture)], capture_output=True, text=True, check=False)
    return set(found.stdout.split())


def test_every_step_held(told):
    assert told["ok"] is True
    assert told["nonce"] == NONCE
    assert len(told["steps"]) >= 17
    assert all(step["ok"] for step in told["steps"])


def test_the_shopper_looked_through_the_camera_and_steered(told):
    viewing = told["viewing"]
    assert viewing["frames"] > 30
    assert viewing["first_frame_ms"] > 0
    assert viewing["steer_to_motion_ms"] > 0


def test_the_piece_that_was_looked_at_is_the_one_on_the_still(once):
    assert hashlib.sha256((once / "still.jpg").read_bytes()).hexdigest() in stored_pictures(once)


def stored_pictures(once: Path) -> set[str]:
    told = json.loads((once / "report.json").read_text())
    with sqlite3.connect(told["database"].removeprefix("sqlite:///")) as database:
        return {row[0] for row in database.execute("SELECT picture_sha256 FROM picture WHERE stored_at IS NOT NULL")}


def test_exactly_one_label_was_printed_and_applied_and_only_after_the_payment(once, told):
    labels = json.loads((once / "labels_printed.json").read_text())
    assert len(labels) == 1
    assert labels[0]["applied_at"]
    with sqlite3.connect(told["database"].removeprefix("sqlite:///")) as database:
        (paid_at,) = database.execute("SELECT paid_at FROM orders WHERE order_id = ?", (told["order_id"],)).fetchone()
    assert labels[0]["printed_at"][:23] > paid_at[:23]


def test_an_independent_reader_finds_the_codes_in_the_parcels_photo(once, told):
    codes = read_codes(once / "parcel.jpg")
    assert any(code.partition("?")[0].endswith(f"/00/{told['sscc']}") for code in codes)
    assert any(told["sscc"] in code for code in read_codes(once / "label.png"))


def test_goods_merchant_and_parcel_stand_on_the_label(once, told):
    codes = json.loads((once / "labels_printed.json").read_text())[0]["codes"]
    assert any(code.endswith(f"/21/{NONCE}") for code in codes)
    assert any("/m/mer_" in code for code in codes)
    assert any(f"/00/{told['sscc']}?s=" in code for code in codes)


def test_the_printers_bytes_are_the_ones_that_were_sent(once):
    sent = (once / "printer.bin").read_bytes()
    assert sent.count(b"\x1dv0") >= 1
    assert b"Mei Lin" not in sent, "text reached the printer as text"


def test_the_books_balance_and_nothing_is_held(told):
    balances: dict[str, int] = {}
    for posting in told["ledger"]:
        balances[posting["debit"]] = balances.get(posting["debit"], 0) - posting["amount_minor"]
        balances[posting["credit"]] = balances.get(posting["credit"], 0) + posting["amount_minor"]
    assert balances[f"escrow:{told['order_id']}"] == 0
    payable = sum(amount for account, amount in balances.items() if account.startswith("payable:"))
    fees = sum(amount for account, amount in balances.items() if account.startswith("fees:"))
    assert payable > 0
    assert fees > 0
    assert balances["psp:sandbox"] == -(payable + fees)


def test_no_rule_of_money_or_goods_is_violated(told):
    with sqlite3.connect(told["database"].removeprefix("sqlite:///")) as database:
        assert database.execute("SELECT * FROM violations").fetchall() == []


def test_the_journey_is_exported_as_epcis(told):
    events = told["epcis"]["epcisBody"]["eventList"]
    steps = [event["bizStep"] for event in events]
    assert told["epcis"]["schemaVersion"] == "2.0"
    assert {"picking", "packing", "departing", "arriving"} <= set(steps)
    piece = events[0]["epcList"]
    assert all(told["sscc"] in json.dumps(event) for event in events if event.get("epcList") != piece)
    assert any(
        told["sscc"] in event["parentID"] and event["childEPCs"] == piece for event in events if "parentID" in event
    )


def test_nothing_is_left_running(once):
    mall = str(once / "mall")
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            try:
                command = (process / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            assert mall not in command, command
