"""What a scan may mean: the right thing now, or nothing at all."""

import asyncio
import random

import pytest

from edge.bench import TaskKind
from tests.edge.bench.fake_shop import Shop
from wire.commands import PhotoAnswer
from wire.plan import Text


async def ready(shop: Shop, parcel_id: str = "p1", number: int = 1) -> None:
    await shop.to_photo(parcel_id, number)
    await shop.answer_photo(PhotoAnswer.CONFIRMED, parcel_id)
    await shop.until("ready", parcel_id)


async def test_a_void_label_is_refused_at_hand_over(shop):
    await shop.to_photo()
    old = f"https://v.example/00/{(await shop.parcel()).label['sscc']}?s={(await shop.parcel()).serial}"
    await shop.answer_photo(PhotoAnswer.OBJECTED)
    await shop.scan_label()
    await shop.press("destroy_label", "destroyed")
    shop.world.parcel.clear()
    await shop.pay(label_no=2)
    await shop.until("photo_offered")
    await shop.answer_photo()
    await shop.until("ready")
    result = await shop.bench.on_scan(old)
    assert not result.accepted and "void" in result.text.en
    assert not await shop.press("hand_over", "handed_over")
    assert await shop.scan_label()
    assert await shop.press("hand_over", "handed_over")


async def test_before_the_shopper_answered_nothing_is_handed_over(shop):
    await shop.to_photo()
    result = await shop.bench.on_scan((await shop.parcel()).serial)
    assert not result.accepted and "照片" in result.text.zh


async def test_two_ready_parcels_are_told_apart_by_their_scan(shop):
    await ready(shop, "p1", 1)
    shop.world.parcel.clear()
    await ready(shop, "p2", 2)
    tasks = {task.parcel_id: task for task in await shop.bench.tasks() if task.kind == "hand_over"}
    assert await shop.scan_label("p2")
    assert not (await shop.bench.answer_task(tasks["p1"].task_id, "handed_over")).accepted
    assert (await shop.bench.answer_task(tasks["p2"].task_id, "handed_over")).accepted
    assert (await shop.stage("p1"), await shop.stage("p2")) == ("ready", "handed_over")


@pytest.mark.parametrize("form", ["url", "serial", "typed", "sscc"])
async def test_a_label_may_be_scanned_in_each_of_its_forms(shop, form):
    await ready(shop)
    parcel = await shop.parcel()
    forms = {
        "url": f"{parcel.label['resolver_url']}?s={parcel.serial}",
        "serial": parcel.serial,
        "typed": f" {parcel.serial.lower()} ",
        "sscc": f"\x1d00{parcel.label['sscc']}",
    }
    assert (await shop.bench.on_scan(forms[form])).accepted


async def test_the_same_serial_on_another_host_is_another_shops(shop):
    await ready(shop)
    parcel = await shop.parcel()
    assert not (await shop.bench.on_scan(f"https://other.example/00/1?s={parcel.serial}")).accepted


async def test_the_wrong_piece_names_the_right_one(shop):
    await shop.prepare()
    await shop.task("fetch_piece")
    result = await shop.bench.on_scan("4702")
    assert not result.accepted
    assert "4702" in result.text.en and "4701" in result.text.en
    assert shop.bench.last_scan == result


async def test_an_answer_counts_once(shop):
    await shop.prepare()
    task = await shop.task("fetch_piece")
    answers = await asyncio.gather(*(shop.bench.answer_task(task.task_id, "gone") for _ in range(5)))
    assert sorted(answer.accepted for answer in answers) == [False] * 4 + [True]
    assert not (await shop.bench.answer_task(task.task_id, "nonsense")).accepted
    assert not (await shop.bench.answer_task("t_unknown", "gone")).accepted


async def test_an_older_label_is_refused(shop):
    await shop.to_photo()
    await shop.pay(label_no=3)
    assert await shop.ack(await shop.pay(label_no=2)) == ("refused", "old_label")
    assert await shop.ack(await shop.pay(label_no=3)) == ("refused", "old_label")


async def test_a_piece_is_sold_once(shop):
    await shop.prepare("p1", 1)
    assert await shop.ack(await shop.prepare("p2", 1)) == ("refused", "piece_taken")
    assert await shop.ack(await shop.prepare("p3", 99)) == ("refused", "unknown_piece")


async def test_another_rooms_task_is_answered_by_the_tag(shop):
    task_id = await shop.bench.ask(TaskKind.BRING_PIECE, Text(en="Bring"), (), piece_id="piece_3", session_id="s")
    waiting = asyncio.create_task(shop.bench.wait_answer(task_id))
    assert (await shop.bench.on_scan("4703")).accepted
    assert await waiting == "brought"
    other = await shop.bench.ask(TaskKind.BRING_PIECE, Text(en="Bring"), (), piece_id="piece_3")
    await shop.bench.withdraw(other)
    assert not (await shop.bench.on_scan("4703")).accepted


def garbage(chance: random.Random) -> str:
    """Return something a scanner may send: noise, other people's codes, ours with one character wrong."""
    letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    word = "".join(chance.choices(letters, k=8))
    digits = "".join(chance.choices("0123456789", k=18))
    noise = "".join(chr(chance.choice((chance.randrange(32, 127), chance.randrange(0x110000)))) for _ in range(40))
    forms = (
        word,
        f"https://v.example/00/{digits}?s={word}",
        f"00{digits}",
        noise,
        noise * 20,
        "47" + noise[:2],
        "\x1d",
    )
    return chance.choice(forms)


@pytest.mark.parametrize("seed", range(3))
async def test_garbage_never_changes_anything(shop, seed):
    await ready(shop)
    await shop.prepare("p2", 2)
    await shop.task("fetch_piece")
    await shop.idle()
    chance, mark = random.Random(seed), shop.journal.mark()
    for _ in range(150):
        text = garbage(chance)
        assert not (await shop.bench.on_scan(text)).accepted, text
    assert shop.journal.mark() == mark
    assert (await shop.stage("p1"), await shop.stage("p2")) == ("ready", "picking")
