"""The operator's pages: every box at a glance, an order by any code, the alarm, pictures side by side."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from cloud_relay import tables
from cloud_relay.catalog import overview
from cloud_relay.orders import finding
from cloud_relay.pages.operator import proofs_of
from cloud_relay.shop_link import inbox
from wire.reports import DeviceState, Health

HTML = {"Accept": "text/html"}


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("par_1", "par_1"), (" https://x.example/p/par_1?s=L1 ", "par_1"),
        ("/00/395212340000000019/", "395212340000000019"),
        ("(00)3952 1234 0000 0000 19", "395212340000000019"), ("https://x.example/c/par_1.a-Secret_key", "par_1"),
        ("https://x.example/01/09521234543213/21/YX.21", "YX.21"), ("  ", ""),
    ],
)  # fmt: skip
def test_of_an_address_the_code_is_the_last_part(said, code):
    assert finding.said_code(said) == code


def test_an_order_is_found_by_any_of_its_codes(world):
    order_id = world.paid_order()
    line = world.rows(tables.order_line)[0]
    parcel = world.rows(tables.parcel)[0]
    payment = world.rows(tables.payment)[0]
    world.add(tables.label, label_serial="7K1QFG04", parcel_id=parcel["parcel_id"], label_no=0,
              sscc="395212340000009996", changed_at=world.now)  # fmt: skip
    codes = [
        order_id, order_id.upper(), order_id[-6:].upper(), line["parcel_id"], line["piece_id"], line["listing_id"],
        f"{line['piece_id']}-code", payment["payment_id"], parcel["sscc"], f"00{parcel['sscc']}", "7k1qfg04",
        f"https://x.example/p/{line['parcel_id']}", f"https://x.example/c/{line['parcel_id']}.key",
    ]  # fmt: skip
    for code in codes:
        found = world.database.read_now(finding.find_orders, code)
        assert [one["order_id"] for one in found] == [order_id], code
    for code in ("", "par_other", "%", "______", "395212340000000002"):
        assert world.database.read_now(finding.find_orders, code) == [], code


def test_what_is_wrong_with_a_box_is_a_worry_and_comes_first(world):
    world.shop("mer_2", "studio", name_en="Studio")
    run, now = world.database.run_now, world.now
    shops = world.database.read_now(overview.shops_overview, now)
    assert [(one["shop_id"], one["worries"], one["check"]) for one in shops] == [
        ("studio", [], None),
        ("teahouse", [], None),
    ]
    birth = {"session": "s", "is_online": True, "at": "2030-01-01T08:00:00.000Z", "software": "vitrine/1.0"}
    world.add(tables.shop_link, shop_id="teahouse", is_online=True, presence=birth, seen_at=now, session="s")
    world.add(tables.shop_certificate, serial="1", shop_id="teahouse", public_key_pem="", issued_at=now,
              expires_until=now + timedelta(days=7, hours=5))  # fmt: skip
    card = {
        "steps": [
            {"title": {"en": "Label printer", "zh": "标签打印机"}, "result": "failed"},
            {"title": {}, "result": "passed"},
        ]
    }
    for check_id, is_passed, at in (("c1", True, now - timedelta(days=1)), ("c2", False, now)):
        world.add(tables.bench_check, check_id=check_id, shop_id="teahouse", occasion="nightly", is_passed=is_passed,
                  is_whole=True, ended_at=at, received_at=at, card=card)  # fmt: skip
    run(inbox.take_offset, "teahouse", 3.25, now)
    broken = DeviceState(device="printer", kind="label_printer", model="zpl", health=Health.NEEDS_ATTENDANT, at=now,
                         reason="paper_out")  # fmt: skip
    run(lambda connection: inbox.take_device_state(connection, _Quiet(), "teahouse", broken, now))
    first, second = world.database.read_now(overview.shops_overview, now)
    assert (first["shop_id"], second["shop_id"]) == ("teahouse", "studio")
    assert first["worries"] == ["certificate", "clock", "check", "faults"]
    assert (first["since"], first["certificate_days"], first["clock_offset_s"]) == (birth["at"], 7, 3.25)
    assert first["check"]["failed"] == [{"en": "Label printer", "zh": "标签打印机"}]
    assert [(fault["device"], fault["text"]["en"]) for fault in first["faults"]] == [("printer", "paper_out")]
    gone = {**first, "is_online": False, "faults": []}
    assert "box" in overview.worries(gone)
    assert overview.worries({**gone, "is_closed": True}) == []


class _Quiet:
    devices: tuple = ()


def test_pictures_to_compare_keep_their_places_even_when_one_is_missing():
    door = {"step": "damaged", "picture_sha256": "d" * 64, "text": {"en": "Damaged", "zh": "损坏"}}
    order = {"still_sha256": "a" * 64, "photo_sha256": "c" * 64, "timeline": [{"kind": "paid"}, door]}
    shown = proofs_of(order, None)
    assert [one["name"] for one in shown] == ["before", "packed", "label", "door"]
    assert [one["picture_sha256"] for one in shown] == ["a" * 64, None, "c" * 64, "d" * 64]
    assert shown[3]["words"] == door["text"]


async def test_the_pages_are_the_operators_alone(site):
    await site.merchant("tea")
    boss = {**site.account("boss", is_operator=True), **HTML}
    for path in ("/operator", "/operator/shops", "/operator?find=par_none"):
        assert "tea" in (await site.call("GET", path, headers=boss)).text
        await site.call("GET", path, headers={**site.account(f"a{len(path)}"), **HTML}, status=404)
    page = await site.call("GET", "/operator/shops", headers={**boss, "Accept-Language": "zh"})
    assert "从未" in page.text and "未接入主机" in page.text
    page = await site.call("GET", "/operator?find=%3Cscript%3E", headers=boss)
    assert "<script>" not in page.text.partition("<main")[2] and "No order has this code" in page.text


async def test_books_that_do_not_add_up_are_an_alarm(site):
    boss = {**site.account("boss", is_operator=True), **HTML}
    calm = await site.call("GET", "/operator", headers=boss)
    assert "The books add up" in calm.text and "Alarm" not in calm.text
    now = "2030-01-01T09:00:00.000Z"
    odd = f"INSERT INTO transfer (reference, kind, created_at) VALUES ('odd', 'hold', '{now}')"
    site.db.run_now(lambda connection: connection.execute(text(odd)))
    page = await site.call("GET", "/operator", headers=boss)
    assert 'role="alert"' in page.text and "M1 transfer without posting" in page.text
    values = {"reference": "odd", "line": 1, "debit": "psp:x", "credit": "loss", "amount_minor": 1, "currency": "CNY"}
    site.db.run_now(lambda connection: connection.execute(tables.posting.insert().values(values)))
    assert "Alarm" not in (await site.call("GET", "/operator", headers=boss)).text
