"""Tags on the shop's printer as the relay sees them: one command a press, a fold of what the shop says, refusals."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from cloud_relay.catalog import plan as plans
from cloud_relay.showroom import printing
from cloud_relay.tables import shop_command
from tests.cloud_relay.showroom.test_tags import Stand
from wire.codec import dump_bytes, from_json
from wire.commands import PrintTags, ReplacePlan
from wire.plan import Text
from wire.reports import Ack, AckState
from wire.tags import NO_TEXT, TagFace, TagsPrinted, TagsState


@pytest.fixture
async def stand(site):
    _, shop_id, owner = await site.merchant("mo")
    listing_id, _ = await site.listing(shop_id, owner, pieces=0, gtin="9521234543213", sku="T-1")
    return Stand(site, shop_id, owner, listing_id, [])


def commands(stand, kind="PrintTags"):
    query = select(shop_command).where(shop_command.c.type == kind).order_by(shop_command.c.command_id)
    return stand.site.db.read_now(lambda c: [dict(row) for row in c.execute(query).mappings()])


async def sheet(stand, copies=2):
    return (await stand.make({"listing_id": stand.listing_id, "copies": copies}))["sheet_id"]


async def press(stand, sheet_id, status=200, what="print", who=None):
    return await stand.site.call("POST", f"/api/tag-sheets/{sheet_id}/{what}", {}, who or stand.owner, status)


def say(stand, job_id, state, printed=0, text=NO_TEXT):
    now = stand.site.clock.now()
    report = TagsPrinted(job_id=job_id, state=state, printed=printed, total=2, at=now, text=text)
    stand.site.db.run_now(printing.take_report, stand.shop_id, report, now)


def shown(stand, sheet_id):
    found = stand.site.db.read_now(printing.newest, [sheet_id])
    return printing.shown(found[sheet_id])


async def test_one_press_sends_every_active_tag_once_with_what_stands_on_it(stand):
    sheet_id = await sheet(stand)
    made = await press(stand, sheet_id)
    assert (made["state"], made["total"]) == ("asked", 2)
    (sent,) = commands(stand)
    command = from_json(PrintTags, sent["data"])
    assert command.job_id == made["job_id"] and len(command.tags) == 2
    assert all("/01/09521234543213?t=" in one.address and one.price for one in command.tags)
    refused = await press(stand, sheet_id, 409)
    assert refused["type"].endswith("being_printed") and len(commands(stand)) == 1


async def test_the_page_follows_the_shop_and_the_sheet_can_be_printed_again(stand):
    sheet_id = await sheet(stand)
    job_id = (await press(stand, sheet_id))["job_id"]
    paper = Text(en="Out of labels: put in a new roll", zh="标签纸用完：请换新卷")
    say(stand, job_id, TagsState.HELD, 1, paper)
    page = await stand.site.http.get("/merchant/tags?lang=zh", headers={**stand.owner, "Accept": "text/html"})
    assert 'data-printing="held"' in page.text and paper.zh in page.text and "停止打印" in page.text
    say(stand, job_id, TagsState.DONE, 2)
    page = await stand.site.http.get("/merchant/tags?lang=en", headers={**stand.owner, "Accept": "text/html"})
    assert "Printed in the shop" in page.text and "2/2" in page.text and "Stop printing" not in page.text
    await press(stand, sheet_id)


async def test_stopping_is_asked_of_the_shop_and_refused_when_nothing_prints(stand):
    sheet_id = await sheet(stand)
    assert (await press(stand, sheet_id, 409, "stop"))["type"].endswith("not_printed")
    job_id = (await press(stand, sheet_id))["job_id"]
    await press(stand, sheet_id, what="stop")
    assert [one["data"]["job_id"] for one in commands(stand, "StopTags")] == [job_id]
    say(stand, job_id, TagsState.STOPPED, 1)
    assert (await press(stand, sheet_id, 409, "stop"))["type"].endswith("not_printed")


def answer_stop(stand, state, reason):
    now = stand.site.clock.now()
    ack = Ack(command_id="c", state=state, at=now, journal_sequence=1, journal_hash="", reason=reason)
    stand.site.db.run_now(printing.take_stop_answer, stand.shop_id, commands(stand, "StopTags")[-1], ack, now)


async def test_a_printing_that_the_shop_has_lost_ends_with_its_stop_and_the_sheet_prints_again(stand):
    sheet_id = await sheet(stand)
    await press(stand, sheet_id)
    await press(stand, sheet_id, 409)
    await press(stand, sheet_id, what="stop")
    for state, reason in ((AckState.ACCEPTED, ""), (AckState.DONE, ""), (AckState.REFUSED, "sequence")):
        answer_stop(stand, state, reason)
        assert shown(stand, sheet_id)["state"] == "asked"
    answer_stop(stand, AckState.REFUSED, "unknown_job")
    found = shown(stand, sheet_id)
    assert found["state"] == "stopped" and found["is_over"] and "print again" in found["text"]["en"]
    assert "重新打印" in found["text"]["zh"]
    again = (await press(stand, sheet_id))["job_id"]
    say(stand, again, TagsState.DONE, 2)
    assert shown(stand, sheet_id)["state"] == "done"


async def test_an_end_that_the_shop_told_stays_whatever_comes_of_a_stop(stand):
    sheet_id = await sheet(stand)
    job_id = (await press(stand, sheet_id))["job_id"]
    await press(stand, sheet_id, what="stop")
    say(stand, job_id, TagsState.DONE, 2)
    answer_stop(stand, AckState.REFUSED, "unknown_job")
    assert shown(stand, sheet_id)["state"] == "done"


def test_the_answers_to_both_commands_are_heard(stand):
    heard = stand.site.relay.link.acks
    assert printing.take_answer in heard["PrintTags"] and printing.take_stop_answer in heard["StopTags"]


@pytest.mark.parametrize(("state", "word"), [
    (AckState.UNSUPPORTED, "too old"), (AckState.STALE, "away"), (AckState.REFUSED, "too many"),
])  # fmt: skip
async def test_a_box_that_says_no_is_shown_with_what_to_do(stand, state, word):
    sheet_id = await sheet(stand)
    await press(stand, sheet_id)
    now = stand.site.clock.now()
    ack = Ack(command_id="c", state=state, at=now, journal_sequence=1, journal_hash="")
    stand.site.db.run_now(printing.take_answer, stand.shop_id, commands(stand)[0], ack, now)
    found = shown(stand, sheet_id)
    assert found["state"] == "refused" and found["is_over"] and word in found["text"]["en"] and found["text"]["zh"]


async def test_another_shops_word_changes_nothing(stand):
    sheet_id = await sheet(stand)
    job_id = (await press(stand, sheet_id))["job_id"]
    stand.shop_id = "studio"
    say(stand, job_id, TagsState.DONE, 2)
    assert shown(stand, sheet_id)["state"] == "asked"


async def test_a_roll_has_its_end_and_a_void_tag_is_not_printed(stand):
    most, more = await sheet(stand, 100), await stand.make(
        {"listing_id": stand.listing_id, "copies": 100}, {"listing_id": stand.listing_id}
    )  # fmt: skip
    assert (await press(stand, more["sheet_id"], 422))["type"].endswith("too_many_tags")
    assert (await press(stand, most))["total"] == 100
    await stand.site.call("POST", "/api/tags/void", {"tag_ids": more["tag_ids"][:1]}, stand.owner)
    assert (await press(stand, more["sheet_id"]))["total"] == 100


async def test_the_shop_knows_the_tags_of_its_places_and_no_void_one(stand):
    def places():
        return [one["location"] for one in commands(stand, "ReplacePlan")[-1]["data"]["plan"]["places"]]

    made = await stand.make({"location": "A-3-2"}, {"location": "window"}, kind="place")
    assert sorted(places()) == ["A-3-2", "window"]
    await stand.site.call("POST", "/api/tags/void", {"tag_ids": made["tag_ids"][:1]}, stand.owner)
    assert places() == ["window"]


@pytest.mark.parametrize(("room", "kept"), [(-1, 2), (0, 3), (1, 3)])
async def test_a_full_plan_leaves_out_the_oldest_places_before_it_is_refused(stand, monkeypatch, room, kept):
    """To the byte; and the merchant reads how many the shop's own scanners do not know."""
    locations = ["A-1-1", "A-1-2", "A-1-3"]
    for location in locations:
        await stand.make({"location": location}, kind="place")
        stand.site.clock.forward(1.0)
    whole = plan_of(stand)
    assert [one.location for one in whole.places] == locations[::-1]
    monkeypatch.setattr(plans, "PLAN_BYTES_MAX", len(dump_bytes(replace(whole, version=whole.version + 1))) + room)
    stand.site.db.run_now(plans.replace_plan, stand.shop_id, whole.resolver_url, stand.site.clock.now())
    assert [one.location for one in plan_of(stand).places] == locations[::-1][:kept]
    for language, word in (("en", "does not know 1 of the place tags"), ("zh", "有 1 张未下发")):
        page = await stand.site.http.get(
            f"/merchant/tags?lang={language}", headers={**stand.owner, "Accept": "text/html"}
        )
        assert (word in page.text) == (kept == 2)


@pytest.mark.parametrize(("room", "status"), [(-1, 409), (0, 201), (1, 201)])
async def test_places_never_keep_goods_from_being_listed(stand, monkeypatch, room, status):
    """A piece that fits without any place is taken in, one byte more and it is refused as ever."""
    await stand.make({"location": "A-1-1"}, {"location": "A-1-2"}, kind="place")
    bare = []
    for code in ("x1", "x2"):
        await stand.site.call("POST", "/api/pieces", {"listing_id": stand.listing_id, "code": code}, stand.owner, 201)
        bare.append(len(dump_bytes(replace(plan_of(stand), places=()))))
    monkeypatch.setattr(plans, "PLAN_BYTES_MAX", 2 * bare[1] - bare[0] + room)
    third = {"listing_id": stand.listing_id, "code": "x3"}
    answer = await stand.site.call("POST", "/api/pieces", third, stand.owner, status)
    assert (status == 201) or answer["type"].endswith("plan_too_large")
    assert (len(plan_of(stand).pieces), len(plan_of(stand).places)) == ((3, 0) if status == 201 else (2, 2))


def plan_of(stand):
    sent = [from_json(ReplacePlan, one["data"]).plan for one in commands(stand, "ReplacePlan")]
    return max(sent, key=lambda one: one.version)


def test_the_fullest_printing_fits_one_message():
    tag = TagFace(address="a" * 120, printed="x" * 11, heading="样品 Sample", titles=("长" * 120, "long " * 24),
                  price="¥9,999,999.00", foot="名" * 60 + "f" * 100)  # fmt: skip
    body = dump_bytes(PrintTags(job_id="tpj_1", tags=(tag,) * printing.TAGS_MAX))
    assert len(body) * 4 // 3 + 8192 < 256 * 1024, "a signed command carries its bytes as base64url"
