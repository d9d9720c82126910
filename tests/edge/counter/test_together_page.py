"""Several shoppers over the till's HTTP, and on paper: shares, savings, refusals; a shopper's code stays in the box."""

from dataclasses import replace

import pytest

from edge.counter.counter import refusal_text
from edge.counter.receipts import receipt_rows
from edge.counter.words import REFUSALS
from tests.edge.counter.conftest import PLAN
from tests.edge.counter.test_page import page
from tests.edge.counter.test_together import ANN, BEN, OVER
from wire.plan import TillMember

__all__ = ["page"]

PACKER = TillMember(account_id="acc_2", name="Li", role="packer")


@pytest.fixture
def promoted(world):
    world.plan = replace(PLAN, promotions=(OVER, replace(OVER, promotion_id="pro_less", saving_minor=1)))


async def scan(page, *codes):
    for code in codes:
        assert (await page.post("scan", text=code)).status_code == 200
    return (await page.state())["sale"]


async def test_every_deed_of_several_shoppers_wants_somebody_signed_in_and_whole_numbers(page):
    for name in ("shopper", "choose", "remove", "move", "pay-each", "take-back", "undo"):
        assert (await page.post(name)).status_code == 401
    await page.sign_in()
    for name in ("shopper", "choose", "remove", "move", "pay-each", "take-back", "undo"):
        answer = await page.post(name, sale_id="sale_none", joint_id="joint_none")
        assert (answer.status_code, answer.json()["text"]["zh"]) == (409, "没有这一单")
    assert (await page.post("choose", sale_id="s", shopper="one")).status_code == 422


async def test_the_page_shows_goods_saving_and_share_of_each_and_no_code(promoted, page):
    await page.sign_in()
    sale = await scan(page, ANN, "4701", BEN, "CUP-1")
    assert [(one["is_known"], one["share_minor"], one["saving_minor"]) for one in sale["shoppers"]] == [
        (True, 37_061, 939), (True, 2_438, 62),
    ]  # fmt: skip
    assert (sale["usual_minor"], sale["saving_minor"], sale["total_minor"]) == (40_500, 1_001, 39_499)
    assert (sale["promotion"]["zh"], sale["is_best_of_several"]) == ("满400减", True)
    assert [(line["whose"], line["price_minor"], line["saving_minor"]) for line in sale["lines"]] == [
        (0, 38_000, 939), (1, 2_500, 62),
    ]  # fmt: skip
    assert (await page.post("pay-each", sale_id=sale["sale_id"], shown_minor=39_499)).status_code == 200
    text = (await page.http.get("/till/api/state")).text
    assert "proof" not in text and "acc_ann" not in text
    (joint,) = (await page.state())["joints"]
    assert [part["total_minor"] for part in joint["parts"]] == [37_061, 2_438]
    assert (joint["stage"], joint["is_untouched"], joint["total_minor"]) == ("paying", True, 39_499)


async def test_what_is_missing_is_named_nearest_first(promoted, page):
    await page.sign_in()
    sale = await scan(page, "4701")
    assert [one["minor"] for one in sale["lacking"]] == [2_000, 2_000]
    assert sale["saving_minor"] == 0


async def test_a_promotion_that_ended_meanwhile_is_refused_as_a_changed_price_and_shown(promoted, page):
    await page.sign_in()
    sale = await scan(page, "4701", "CUP-1")
    page.shop.plan = PLAN
    version = page.counter.version
    answer = await page.post("pay", sale_id=sale["sale_id"], device="drawer", shown_minor=sale["total_minor"])
    assert (answer.status_code, answer.json()["title"]) == (409, "price_changed")
    await page.until(lambda _state: page.counter.version > version)
    assert (await page.state())["sale"]["total_minor"] == 40_500


async def test_only_who_may_give_money_back_undoes_what_is_paid(promoted, page):
    await page.sign_in()
    sale = await scan(page, ANN, "4701", BEN, "CUP-1")
    await page.post("pay-each", sale_id=sale["sale_id"])
    await page.post("pay", sale_id=sale["sale_id"], device="drawer", shown_minor=37_061)
    await page.post("answer", sale_id=sale["sale_id"], answer="came")
    joint_id = (await page.state())["joints"][0]["joint_id"]
    with pytest.raises(Exception, match="may_not_refund"):
        await page.counter.undo(PACKER, joint_id)
    assert (await page.post("undo", joint_id=joint_id)).status_code == 200
    (joint,) = (await page.state())["joints"]
    assert [(part["stage"], part["refund"]) for part in joint["parts"]] == [("paid", ""), ("given_up", "")]


async def test_a_receipt_says_usual_price_saving_and_share_and_so_does_its_refund(promoted, page):
    await page.sign_in()
    await scan(page, ANN, "4701", BEN, "CUP-1")
    sale = await scan(page, "CUP-1", "CUP-1")
    await page.post("pay-each", sale_id=sale["sale_id"])
    ids = [part["sale_id"] for part in (await page.state())["joints"][0]["parts"]]
    for sale_id in ids:
        await page.post("pay", sale_id=sale_id, device="drawer")
        await page.post("answer", sale_id=sale_id, answer="came")
    second = next(one for one in await page.counter.till.receipts() if one.sale_id == ids[1])
    rows = receipt_rows(second, page.shop.plan)
    assert ("3 × 茶杯 Cup", "75.00") in rows
    assert ("Usual price 原价", "75.00") in rows
    assert ("Saving 优惠 满400减 Over 400", "-1.65") in rows
    assert ("Share 2 of 2, bought together 拼单第 2/2 份", "73.35") in rows
    assert ("Total 合计", "73.35 CNY") in rows
    await page.until(lambda _state: len(page.printed) == 2)
    assert (await page.post("refund", sale_id=ids[1])).status_code == 200
    back = (await page.state())["sale"]
    await page.post("answer", sale_id=back["sale_id"], answer="came")
    rows = receipt_rows((await page.counter.till.receipts())[0], page.shop.plan)
    assert ("Saving 优惠 满400减 Over 400", "-1.65") in rows
    assert ("Given back 已退", "73.35 CNY") in rows


def test_every_refusal_of_several_shoppers_has_its_sentence_in_both_languages():
    reasons = (
        "price_changed", "pay_each_first", "one_at_a_time", "shopper_without_goods", "too_many_shoppers",
        "no_such_shopper", "last_shopper", "share_paid", "undo_instead",
    )  # fmt: skip
    for reason in reasons:
        assert reason in REFUSALS
        text = refusal_text(reason)
        assert text.en and text.zh and text.en != text.zh
