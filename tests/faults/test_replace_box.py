"""A box dies in mid-order and another takes its place: the order ends with one label, the dead box may do nothing more.

What is looked at is outside: the printer's and the robot's own records, the relay's books, the broker's answer.
"""

import asyncio
import dataclasses
import json
import os
import signal
import sys
import time
from datetime import UTC, datetime

import pytest

from demo.supervisor import python_module, run_once
from edge.care.network import look_at_broker
from edge.control_socket import DaemonDownError, ask, socket_path
from edge.enrolment import EnrolmentError, renew
from edge.identity import Identity
from tests.faults.one_order import OneOrder, judge
from tests.faults.town import EDGE, ROOT

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.full]


async def kill_box(town, name):
    """kill -9, and nobody starts it again: a dead PC."""
    process = town.program(name).process
    os.kill(process.pid, signal.SIGKILL)
    await town.supervisor.end(name)


async def replace_box(town, name, new_name):
    """Carry the dead PC out of the shop, put an empty one in its place with the technician's commands."""
    folder = town.mall.shop_folder(town.shop)
    dead = town.mall.folder / f"dead {new_name}"
    (folder / "box").rename(dead)
    relay = str(town.mall.relay_folder)
    shop_id = Identity(dead).facts()["shop_id"]
    admitted = await run_once(python_module("cloud_relay", "shop", "admit", "--data", relay, shop_id), ROOT)
    claim = admitted.split()[-1]
    config = str(folder / "edge.toml")
    said = await run_once(python_module("edge", "replace-box", claim, "--config", config), ROOT)
    assert shop_id in said and "shut out" in said
    old = town.program(name)
    log = old.log.with_name(f"{new_name}.log")
    await town.supervisor.start(dataclasses.replace(old, name=new_name, process=None, log=log, restarts=0))
    return dead


async def until(condition, what, timeout_s=90.0):
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s, f"waited in vain for {what}"
        await asyncio.sleep(0.1)


@pytest.mark.timeout(900)
async def test_a_box_dies_with_the_label_printed_and_the_next_one_with_the_photo_confirmed(town):
    order = OneOrder(town)
    before = len(town.labels())
    await order.place()
    await until(lambda: len(town.labels()) > before, "the label at the printer")
    await kill_box(town, EDGE)
    dead = await replace_box(town, EDGE, "second box")
    assert await order.finish() == "released"
    await order.settle()
    judge(town, order, "released")
    assert town.hands.did.count("taken_over") == 1
    await the_old_box_is_refused(town, dead)

    order = OneOrder(town)
    town.hands.leaves = {"hand_over"}
    await order.place()
    photographed = await order.photographed()
    answer = {"answer": "confirmed", "picture_sha256": photographed["photo_sha256"]}
    await order.post(f"/api/orders/{order.order_id}/photo", answer)
    ready = "select parcel_id from parcels where stage = 'ready'"
    await until(lambda: town.ask(town.journal, ready), "the parcel waiting for the courier")
    labels = len(town.labels())
    await kill_box(town, "second box")
    await replace_box(town, "second box", "third box")
    town.hands.leaves = set()
    await to_the_courier(order)
    assert await order.receive() == "released"
    await order.settle()
    judge(town, order, "released")
    assert len(town.labels()) == labels, "a parcel that was ready got another label"


async def to_the_courier(order):
    """Until it is handed over; a photo that the relay had not received is taken again and asked about again."""
    seen = await order.becomes("photo_offered", "handed_over")
    if seen["state"] == "photo_offered":
        answer = {"answer": "confirmed", "picture_sha256": seen["photo_sha256"]}
        await order.post(f"/api/orders/{order.order_id}/photo", answer)


async def the_old_box_is_refused(town, dead):
    """Broker and door refuse it, doctor says why, and with all machines before it the old daemon moves none."""
    identity = Identity(dead)
    seen = await asyncio.to_thread(look_at_broker, identity, "127.0.0.1", town.mall.ports.broker)
    assert seen.says.en == "this box's certificate was taken back", seen
    with pytest.raises(EnrolmentError, match="No key of this shop"):
        await asyncio.to_thread(renew, identity, datetime.now(UTC), "0123456789abcdef")
    config = dead.with_suffix(".toml")
    text = (town.mall.shop_folder(town.shop) / "edge.toml").read_text()
    port = town.mall.ports.attendant(town.mall.shops.index(town.shop))
    text = text.replace('data_dir = "box"', f"data_dir = {json.dumps(str(dead))}")
    config.write_text(text.replace(f"port = {port}\n", f"port = {town.mall.ports.attendant(1)}\n"))
    truth, labels = town.truth(), town.labels()
    log = dead.with_suffix(".log")
    with log.open("wb") as stderr:
        daemon = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "edge", "run", "--config", str(config), cwd=ROOT, stderr=stderr
        )
    try:
        await until(lambda: b"taken back" in log.read_bytes(), f"the old daemon's word; see {log}")
        status = ask(socket_path(dead), "status")
        assert (status["is_relay_near"], status["relay_now"]) == (False, None)
        doctor = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "edge", "doctor", "--json", "--config", str(config), cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        found = {line["check"]: line for line in json.loads((await doctor.communicate())[0])}
        assert doctor.returncode == 2 and found["broker"]["says"]["en"] == seen.says.en
    finally:
        daemon.terminate()
        await daemon.wait()
    moved = [event for event in town.truth()[len(truth) :] if event["event"] in ("printed", "applied", "packed")]
    assert moved == [] and town.labels() == labels
    with pytest.raises(DaemonDownError):
        ask(socket_path(dead), "status")
