"""An honest attendant, a relay that goes on with the order, and the judge of what machines really did."""

import asyncio
import json
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from edge.bench import Task
from edge.flows.fulfilment import FINAL
from tests.fault_table.shop import FaultShop
from tests.fault_table.sorting import carrying
from tests.fault_table.walks import end_second, scan_label
from wire.commands import PhotoAnswer
from wire.values import parse_time

FINAL_STAGES = {stage.value for stage in FINAL}
LIMIT_S = 180.0


ANSWERS = {"set_aside": "still_here", "show_courier_link": "shown", "note": "seen", "tend_sorter": "carry_again"}


async def finish(shop: FaultShop) -> str:
    """Mend everything, do what the page asks, pay and confirm, until the order has ended; returns how."""
    for role in tuple(shop.grips):
        await shop.let_go(role)
    await shop.mend()
    shop.has_room = True
    if not shop.clock.is_synced:
        shop.sync()
    if await shop.stage("p2") not in FINAL_STAGES | {"none"}:
        await end_second(shop)
    until = asyncio.get_running_loop().time() + LIMIT_S
    while (stage := await shop.stage()) not in FINAL_STAGES:
        if shop.running.done():
            shop.running.result()
        tasks = [one for one in await shop.bench.tasks() if one.parcel_id == "p1" or one.kind.value == "tend_sorter"]
        assert asyncio.get_running_loop().time() < until, (stage, [task.text.en for task in tasks], shop.labels())
        for task in tasks:
            await _do(shop, task)
        await _go_on(shop, await shop.stage())
        await asyncio.sleep(0.05)
    return stage


async def _go_on(shop: FaultShop, stage: str) -> None:
    """What relay and shopper do meanwhile: pay once, and again when the deadline was missed; confirm the photo."""
    parcel = await shop.parcel()
    wants = stage in ("reserved", "waiting_for_label", "packing_blocked", "aside")
    is_late = stage == "printing_blocked" and parcel.reason == "deadline_passed"
    is_again = stage == "waiting_for_label" and bool(parcel.objection) and parcel.label_no == parcel.retired_no
    if is_late or is_again or (wants and not parcel.label_no):
        await shop.pay("p1", shop.number, label_no=parcel.label_no + 1)
    elif stage == "photo_offered":
        await shop.answer_photo(PhotoAnswer.CONFIRMED)


async def _do(shop: FaultShop, task: Task) -> None:
    """Do what is asked, truthfully, then press the button."""
    kind = task.kind.value
    if kind == "fetch_piece" and await carrying(shop) not in ("none", "carried", "by_hand", "withdrawn"):
        return  # the sorter brings it, or asks what to do
    if kind in ("fetch_piece", "bring_back", "put_back"):
        await _scan_tag(shop, kind)
    elif kind in ("label_in_doubt", "taken_over"):
        await _say_where(shop, task)
    elif kind in ("hand_over", "destroy_label") and task.needs_scan and not task.scanned:
        await scan_label(shop, kind)
    elif kind == "destroy_label":
        await _tear_up(shop)
        await _press(shop, task, "destroyed")
    elif kind in ("read_label", "tend_device"):
        await _tend(shop, task)
    elif kind == "pack_in_doubt":
        parcel = (await shop.look())["parcel"]
        is_packed = parcel is not None and parcel["piece"] == f"piece_{shop.number}"
        await _press(shop, task, "packed" if is_packed else "not_packed")
    elif kind == "hand_over":
        assert await shop.hands("take_away") == 200
        await _press(shop, task, "handed_over")
    elif kind == "unpack":
        await shop.hands("unpack")
        await _press(shop, task, "unpacked")
    else:
        await _press(shop, task, ANSWERS[kind])


async def _press(shop: FaultShop, task: Task, answer: str) -> None:
    await shop.bench.answer_task(task.task_id, answer)


async def _scan_tag(shop: FaultShop, kind: str) -> None:
    piece = f"piece_{shop.number}"
    if kind != "bring_back":
        await shop.hands("carry", piece=piece, to="bench" if kind == "fetch_piece" else "spot")
    if kind == "fetch_piece":
        await shop.see_bench()
    await shop.hands("scan_piece", piece=piece)
    await asyncio.sleep(0.3)


async def _ours(shop: FaultShop) -> dict[str, Any] | None:
    """Return the label that the bench speaks of, wherever it is."""
    url = await shop.serial_url()
    return next((label for label in shop.labels() if url in label["codes"] and not label["destroyed_at"]), None)


async def _say_where(shop: FaultShop, task: Task) -> None:
    label = await _ours(shop)
    if task.kind.value == "taken_over":
        if label is None or label["where"] != "parcel":
            await _press(shop, task, "not_packed" if (await shop.look())["parcel"] is None else "no_label")
            return
        await scan_label(shop, "taken_over")
        await _press(shop, task, "labelled")
    elif label is not None and label["where"] == "parcel":
        await _press(shop, task, "on_parcel")
    elif label is not None and label["where"] == "mouth":
        assert (await shop.bench.on_scan(await shop.serial_url())).accepted
        await _press(shop, task, "at_printer")
    else:
        came_out = await _tear_up(shop)
        answers = {part.answer for part in task.answers}
        await _press(shop, task, "not_printed" if not came_out and "not_printed" in answers else "destroyed")


async def _tear_up(shop: FaultShop) -> bool:
    """Take every label off everything; True when there was any."""
    # a label that is still coming out is waited for
    await asyncio.sleep(0.5)
    found = False
    for place in ("parcel", "mouth", "cup", "floor"):
        while await shop.hands("peel_label", **{"from": place}) == 200:
            found = True
    return found


async def _tend(shop: FaultShop, task: Task) -> None:
    """Go on, unless the label that it is about is no more, or the time is over: then the relay must speak first."""
    until = (await shop.parcel()).act_until
    if until and parse_time(until) <= datetime.now(UTC):
        return
    label = await _ours(shop)
    needs_label = {part.answer for part in task.answers} >= {"spoiled"}
    if needs_label and label is None:
        await _press(shop, task, "spoiled")
        return
    for other in shop.labels():
        if needs_label and other["stray"] and other["where"] == "parcel" and not other["destroyed_at"]:
            await shop.hands("peel_label", **{"from": "parcel"})
    await _press(shop, task, "again")


def judge(shop: FaultShop, ended: str) -> None:
    """No machine moved twice, and never were two labels of this parcel on it."""
    truth = [json.loads(line) for line in shop.all_truth()[shop.truth_before :]]
    piece = f"piece_{shop.number}"
    packed = [entry for entry in truth if entry["event"] == "packed" and entry["piece"] == piece]
    unpacked = [entry for entry in truth if entry["event"] == "unpacked" and entry["piece"] == piece]
    assert len(packed) <= 1 + len(unpacked), packed
    started = [(entry["device"], entry["job"]) for entry in truth if entry["event"] == "job_started"]
    assert len(started) == len(set(started)), f"a job was started twice: {started}"
    carried = [entry for entry in truth if entry["event"] == "carried" and entry["device"] == "sorter"]
    assert len(carried) <= 1, f"a piece was carried twice: {carried}"
    labels = [label for label in shop.labels() if not label["stray"]]
    pressed = [entry["label"] for entry in truth if entry["event"] == "label_applied"]
    assert len(pressed) == len(set(pressed)), f"a label was pressed on twice: {pressed}"
    applied = sorted((label for label in labels if label["applied_at"]), key=lambda label: label["applied_at"])
    for older, newer in pairwise(applied):
        assert older["destroyed_at"] and older["destroyed_at"] <= newer["applied_at"], "two labels on the parcel"
    whole = {code for label in labels for code in label["codes"] if "?s=" in code}
    copies = [sum(code in label["codes"] for label in labels) for code in whole]
    twice = [entry for entry in truth if entry["event"] == "fault_set" and entry["fault"] == "double_label"]
    assert max(copies, default=0) <= 1 + bool(twice), "a serial was printed twice"
    if ended == "handed_over":
        assert len(packed) == 1 + len(unpacked)
        gone = [label for label in shop.labels() if label["where"] == "gone"]
        assert len(gone) == 1 and not gone[0]["stray"], gone


async def tidy(shop: FaultShop) -> None:
    """Leave the bench as the next order wants it."""
    await shop.mend()
    await shop.hands("take_away")
    await _tear_up(shop)
    await shop.hands("carry", piece=f"piece_{shop.number}", to="spot")
