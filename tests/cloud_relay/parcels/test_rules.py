"""Codes, the fold, EPCIS events, without a database."""

import json

import pytest
from biip.gtin import Gtin as OtherGtin
from biip.sscc import Sscc as OtherSscc
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from cloud_relay.parcels import codes, epcis
from cloud_relay.parcels.rules import AFTER_HAND_OVER, ParcelState, ParcelView, fold
from tests.cloud_relay.parcels.epcis_schema import BIZ_STEPS, DISPOSITIONS, DOCUMENT
from tests.cloud_relay.trade_world import START
from wire import reports
from wire.plan import Text
from wire.values import Sscc

ROOT = "https://shop.example"
P = {"parcel_id": "par_1", "at": START}


def test_goods_codes_are_digital_links_that_another_reader_accepts():
    uri = codes.goods_code(ROOT, "9521234543213", "A-17", "lis_1")
    assert uri == f"{ROOT}/01/09521234543213/21/A-17"
    assert OtherGtin.parse(uri.split("/")[4]).value == "09521234543213"
    assert codes.goods_code(ROOT, "", "A-17", "lis_1") == f"{ROOT}/l/lis_1"
    assert codes.goods_code(ROOT, "9521234543213", "a serial far too long for AI 21", "lis_1").endswith(
        "/09521234543213"
    )
    assert codes.goods_code(ROOT, "9521234543213", "A/1?", "lis_1").endswith("/21/A%2F1%3F")


@given(st.sampled_from(["9521", "9521234", "952123456", "952123456789"]), st.integers(0, 9999))
def test_sscc_codes_are_right_by_another_reader(prefix, serial):
    sscc = str(Sscc.build(prefix, serial))
    assert OtherSscc.parse(sscc).value == sscc
    assert codes.parcel_code(ROOT, "par_1", sscc) == f"{ROOT}/00/{sscc}"


def test_a_parcel_knows_its_own_codes_and_no_other():
    own, other = str(Sscc.build("9521234", 7)), str(Sscc.build("9521234", 8))
    for scanned in (own, f"00{own}", f"(00){own}", f"{ROOT}/00/{own}?s=L1", f"http://elsewhere/00/{own}/", "par_1",
                    f"{ROOT}/p/par_1?s=L9", f"  {own} "):  # fmt: skip
        assert codes.same_code(scanned, "par_1", own), scanned
    for scanned in (other, f"00{other}", "par_2", "", "?", f"{ROOT}/00/{other}", own[:-1] + "x", f"{ROOT}/p/par_1x"):
        assert not codes.same_code(scanned, "par_1", own), scanned
    assert not codes.same_code(own, "par_1", "")


def test_the_fold_follows_the_bench():
    view = ParcelView(state=ParcelState.PREPARING)
    walk = [
        (reports.StillTaken(**P, picture_sha256="a"), ParcelState.PREPARING),
        (reports.PiecePicked(**P), ParcelState.PICKED),
        (reports.PiecePacked(**P), ParcelState.PACKED),
        (reports.LabelPrinted(**P, label_serial="L1", label_no=1), ParcelState.PACKED),
        (reports.LabelApplied(**P, label_serial="L1"), ParcelState.LABELLED),
        (reports.LabelVoided(**P, label_serial="L1"), ParcelState.PACKED),
        (reports.LabelPrinted(**P, label_serial="L2", label_no=2), ParcelState.PACKED),
        (reports.LabelApplied(**P, label_serial="L2"), ParcelState.LABELLED),
        (reports.LabelVoided(**P, label_serial="L1"), ParcelState.LABELLED),
        (reports.LabelRead(**P, label_serial="L2"), ParcelState.LABELLED),
        (reports.ParcelPhotographed(**P, picture_sha256="b", label_serial="L2"), ParcelState.PHOTOGRAPHED),
        (reports.HandedOver(**P, label_serial="L2", scanned="x", courier_token_sha256="c"), ParcelState.HANDED_OVER),
        (reports.PiecePacked(**P), ParcelState.HANDED_OVER),
    ]
    for report, state in walk:
        view = fold(view, report)
        assert view.state is state, report
    assert (view.still_sha256, view.photo_sha256, view.label_serial, view.courier_token_sha256) == ("a", "b", "L2", "c")


def test_held_is_a_mark_beside_the_state_until_the_work_goes_on():
    held = fold(ParcelView(state=ParcelState.PACKED), reports.ParcelHeld(**P, reason="paper", text=Text(en="No paper")))
    assert (held.state, held.held_reason, held.held_text["en"]) == (ParcelState.PACKED, "paper", "No paper")
    assert fold(held, reports.ParcelResumed(**P)).held_reason == ""
    assert fold(held, reports.LabelApplied(**P, label_serial="L")).held_text is None


@given(st.sampled_from(sorted(AFTER_HAND_OVER)), st.sampled_from([reports.PiecePicked, reports.PiecePacked]))
def test_nothing_comes_back_from_the_post_by_a_late_word(state, type_):
    assert fold(ParcelView(state=state), type_(**P)).state is state


def happened(**values):
    return epcis.Happened(
        **{
            "event_id": "evt_1",
            "step": "departing",
            "at": START,
            "epcs": (f"{ROOT}/00/1",),
            "read_point": f"{ROOT}/s/a",
        }
        | values
    )


VALIDATOR = Draft202012Validator(DOCUMENT)


def test_every_step_makes_a_valid_document():
    steps = sorted(epcis.BIZ_STEPS | set(epcis.COURIER_STEPS))
    events = [epcis.event(happened(step=step, place="杭州", by="courier"), ROOT, START) for step in steps]
    events.append(epcis.event(happened(parent=f"{ROOT}/p/1", action="ADD", order_uri=f"{ROOT}/orders/1"), ROOT, START))
    events.append(epcis.correction(events[0], "did_not_occur", START))
    document = epcis.document(events, ROOT, START)
    assert [error.message for error in VALIDATOR.iter_errors(document)] == []
    assert json.loads(json.dumps(document)) == document


@pytest.mark.parametrize(
    ("name", "value"),
    [("bizStep", "delivering"), ("eventTime", "yesterday"), ("action", "SEE"), ("epcList", ["no uri"]), ("shop", "x")],
)
def test_the_schema_can_say_no(name, value):
    document = epcis.document([{**epcis.event(happened(), ROOT, START), name: value}], ROOT, START)
    assert not VALIDATOR.is_valid(document)


def test_our_words_are_the_vocabularys():
    assert set(BIZ_STEPS) >= epcis.BIZ_STEPS
    assert set(epcis.OWN_STEPS.values()) <= set(BIZ_STEPS)
    assert {epcis.disposition(step) for step in epcis.BIZ_STEPS | set(epcis.COURIER_STEPS)} <= set(DISPOSITIONS)


def test_equal_facts_are_one_fact_and_a_correction_is_another():
    first = epcis.event(happened(), ROOT, START)
    again = epcis.event(happened(event_id="evt_2"), ROOT, START.replace(year=2031))
    assert epcis.content_sha256(first) == epcis.content_sha256(again)
    assert epcis.content_sha256(first) != epcis.content_sha256(epcis.event(happened(place="上海"), ROOT, START))
    declared = epcis.correction(first, "incorrect_data", START)
    assert declared["eventID"] == first["eventID"]
    assert epcis.content_sha256(declared) != epcis.content_sha256(first)
