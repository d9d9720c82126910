"""A shop is live because of its bench checks: the rules, the cards kept, who may read them, who is told."""

from datetime import timedelta

import pytest

from cloud_relay.bench_checks import rules, service, store
from cloud_relay.refusals import RefusedError
from cloud_relay.tables import bench_check, notice, reservation, shop
from cloud_relay.viewing import service as viewing
from tests.cloud_relay.trade_world import START
from wire.bench_card import BenchChecked, CheckResult, CheckStep
from wire.plan import Text

PASSED, FAILED, SKIPPED = CheckResult.PASSED, CheckResult.FAILED, CheckResult.SKIPPED


def card(name="chk_1", *, occasion="setup", is_whole=True, minutes=0, **results):
    steps = tuple(
        CheckStep(
            step=step, result=result, is_needed=step != "turn", hint=Text(en=f"mend {step}", zh=f"修理{step}")
        )
        for step, result in results.items()
    )  # fmt: skip
    is_passed = not any(step.is_needed and step.result is FAILED for step in steps)
    at = START + timedelta(minutes=minutes)
    return BenchChecked(
        check_id=name, started_at=at, ended_at=at, occasion=occasion, is_passed=is_passed, is_whole=is_whole,
        steps=steps,
    )  # fmt: skip


GOOD = card(print=PASSED, look=PASSED, pack=PASSED)


@pytest.mark.parametrize(
    ("cards", "reason", "failed"),
    [
        ([], "never_checked", []),
        ([card(print=FAILED)], "never_checked", ["print"]),
        ([card(is_whole=False, pack=PASSED)], "never_checked", []),
        ([GOOD], "", []),
        ([card(pack=FAILED), GOOD], "check_failed", ["pack"]),
        ([card(pack=SKIPPED), card(pack=FAILED), GOOD], "check_failed", ["pack"]),
        ([card(pack=PASSED), card(pack=FAILED), GOOD], "", []),
        ([card(turn=FAILED), GOOD], "", []),
        ([card(is_whole=False, print=SKIPPED, pack=PASSED), GOOD], "", []),
    ],
)
def test_live_is_who_passed_once_and_has_nothing_needed_failing(cards, reason, failed):
    standing = rules.stand(cards)
    assert (standing.is_live, standing.reason) == (not reason, reason)
    assert [step.step for step in standing.failed] == failed


def take(world, one):
    world.database.run_now(service.take_card, "teahouse", one, world.now)
    world.later(60)


def shop_row(world):
    return world.rows(shop)[0]


def test_the_first_whole_pass_opens_a_new_shop_and_tells_its_people(world):
    world.database.run_now(store.set_live, "teahouse", "never_checked")
    with pytest.raises(RefusedError, match="never passed"):
        world.database.read_now(service.require_live, "teahouse")
    take(world, GOOD)
    take(world, GOOD)
    assert shop_row(world)["is_live"] is True
    world.database.read_now(service.require_live, "teahouse")
    assert [row["kind"] for row in world.rows(notice)] == ["shop_live"]
    assert len(world.rows(bench_check)) == 1


def test_a_failed_device_closes_it_until_a_check_sees_it_mended(world):
    take(world, GOOD)
    take(world, card("chk_2", occasion="nightly", is_whole=False, pack=FAILED))
    assert (shop_row(world)["is_live"], shop_row(world)["live_reason"]) == (False, "check_failed")
    told = world.rows(notice)[-1]
    assert "mend pack" in told["text_en"]
    assert "修理pack" in told["text_zh"]
    take(world, card("chk_3", occasion="nightly", is_whole=False, print=SKIPPED, pack=PASSED))
    assert shop_row(world)["is_live"] is True


def test_its_people_read_the_newest_card_and_a_line_of_each(world):
    take(world, GOOD)
    take(world, card("chk_2", pack=FAILED))
    read = world.database.read_now(service.read_checks, "teahouse", frozenset({"mer_1"}), world.now)
    assert (read["is_live"], read["reason"], read["failed"][0]["step"]) == (False, "check_failed", "pack")
    assert read["card"]["check_id"] == "chk_2"
    assert [(line["check_id"], line["failed"]) for line in read["cards"]] == [("chk_2", ["pack"]), ("chk_1", [])]
    with pytest.raises(RefusedError, match="not_found"):
        world.database.read_now(service.read_checks, "teahouse", frozenset({"mer_2"}), world.now)
    assert (
        world.database.read_now(service.read_checks, "teahouse", frozenset(), world.now, is_operator=True)["is_live"]
        is False
    )


def test_old_cards_go_but_the_pass_that_opened_the_shop_stays(world):
    take(world, GOOD)
    for number in range(store.CARDS_KEPT + 5):
        take(world, card(f"night_{number}", occasion="nightly", is_whole=False, pack=PASSED))
    kept = {row["check_id"] for row in world.rows(bench_check)}
    assert len(kept) == store.CARDS_KEPT + 1
    assert "chk_1" in kept
    assert shop_row(world)["is_live"] is True


def test_a_card_that_no_shop_of_ours_writes_is_refused(world):
    many = card(**{f"step{number}": PASSED for number in range(rules.STEPS_MAX + 1)})
    with pytest.raises(RefusedError, match="bad_card"):
        take(world, many)


def close(world):
    world.database.run_now(store.set_live, "teahouse", "check_failed")


def test_who_is_not_live_takes_no_reservation_no_order_and_no_viewing(world):
    close(world)
    with pytest.raises(RefusedError, match="shop_not_live") as told:
        world.confirm("ann", "lis_1_p0")
    assert (told.value.status, told.value.extra) == (409, {"reason": "check_failed"})
    assert "自检" in told.value.text_zh
    with pytest.raises(RefusedError, match="shop_not_live"):
        world.place("ann", listing_id="lis_1")
    with pytest.raises(RefusedError, match="shop_not_live"):
        world.database.run_now(viewing.ask_to_look, "ann", "lis_1_p0", world.now, may_steer=True)
    assert world.rows(reservation) == []
    world.database.run_now(store.set_live, "teahouse", "")
    world.confirm("ann", "lis_1_p0")


def test_a_piece_that_was_reserved_before_may_still_be_paid(world):
    reserved = world.confirm("ann", "lis_1_p0")
    close(world)
    assert world.place("ann", parcel_id=reserved.parcel_id).order_id
