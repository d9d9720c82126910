"""Parcels that were put aside: out of the camera's sight with their labels, scanned, unpacked and taken from there."""

import cv2
import numpy as np
import pytest
import zxingcpp

from tests.drivers.simulators.label_bytes import LINK, drawn_label, escpos_label
from tests.drivers.simulators.running_shop import CAMERAS, MACHINES, ShopThread, wait_for

SECOND_PIECE = """
[[piece]]
id = "cup"
code = "4717"
title_zh = "青瓷杯"
title_en = "Celadon cup"
kind = "cup"
engraving = "M2F6"
spot = 2
"""


@pytest.fixture
def shop(tmp_path):
    running = ShopThread(tmp_path, MACHINES + SECOND_PIECE + CAMERAS)
    yield running
    assert running.stop() == 0


def pack_and_label(shop, piece, number):
    before = len(shop.labels())
    shop.hands("carry", piece=piece, to="bench")
    shop.hands("pack")
    with shop.line("printer") as printer:
        printer.send(escpos_label(drawn_label(number)))
        wait_for(lambda: len(shop.labels()) > before, "the label")
    shop.hands("stick_label")


def refused(shop, act, **words):
    assert shop.post("/hands", {"act": act, **words})[0] == 409


def seen_codes(shop):
    picture = cv2.imdecode(np.frombuffer(shop.still("bench"), np.uint8), cv2.IMREAD_COLOR)
    return {hit.text for hit in zxingcpp.read_barcodes(picture)}


def places(shop):
    return {piece["id"]: piece["at"] for piece in shop.get("/world")["pieces"]}


def test_the_bench_serves_the_next_piece_while_a_parcel_waits_aside(shop):
    first, second = "caddy", "cup"
    pack_and_label(shop, first, 5)
    refused(shop, "bring_back", piece=second)
    shop.hands("set_aside")
    assert seen_codes(shop) == set()
    world = shop.get("/world")
    assert world["parcel"] is None and [parcel["piece"] for parcel in world["aside"]] == [first]
    assert shop.labels()[0]["where"] == "aside"

    pack_and_label(shop, second, 6)
    assert f"{LINK}6" in seen_codes(shop) and f"{LINK}5" not in seen_codes(shop)
    with shop.line("scanner") as scanner:

        def scanned(piece):
            shop.hands("scan_parcel", match=LINK, piece=piece)
            return scanner.some(0.3)

        assert wait_for(lambda: scanned(first), "the scan") == f"{LINK}5\r".encode()
        assert scanned(second) == f"{LINK}6\r".encode()

    refused(shop, "bring_back", piece=first)
    shop.hands("set_aside")
    shop.hands("bring_back", piece=first)
    shop.hands("bring_back", piece=first)
    assert f"{LINK}5" in seen_codes(shop)
    assert [label["where"] for label in shop.labels()] == ["parcel", "aside"]

    shop.hands("take_away", piece=second)
    assert places(shop)[second] == "gone" and shop.get("/world")["parcel"]["piece"] == first
    assert [label["where"] for label in shop.labels()] == ["parcel", "gone"]


def test_a_parcel_aside_is_opened_where_it_lies(shop):
    first, second = "caddy", "cup"
    home = places(shop)[first]
    pack_and_label(shop, first, 7)
    shop.hands("set_aside")
    pack_and_label(shop, second, 8)
    shop.hands("peel_label", piece=first)
    assert [bool(label["destroyed_at"]) for label in shop.labels()] == [True, False]
    shop.hands("unpack", piece=first)
    assert places(shop)[first] == home and shop.get("/world")["aside"] == []
    assert shop.get("/world")["parcel"]["piece"] == second
    refused(shop, "take_away", piece=first)
