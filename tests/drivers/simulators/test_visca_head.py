"""The head spoken to in VISCA bytes (Sony EVI-D70/P technical manual, command list)."""

import pytest

from tests.drivers.simulators.running_shop import wait_for

INQUIRE_POSITION = bytes.fromhex("81 09 06 12 FF")
INQUIRE_ZOOM = bytes.fromhex("81 09 04 47 FF")
STOP = bytes.fromhex("81 01 06 01 01 01 03 03 FF")


@pytest.fixture
def head(shop):
    with shop.line("front_head") as line:
        line.send(bytes.fromhex("88 01 00 01 FF"))
        assert line.read(5) == bytes.fromhex("88 01 00 01 FF")
        line.send(bytes.fromhex("81 01 06 02 18 17 00 00 00 00 00 00 00 00 FF"))
        assert line.read(6) == bytes.fromhex("90 41 FF 90 51 FF")
        line.send(bytes.fromhex("81 01 04 47 00 00 00 00 FF"))
        assert line.read(6) == bytes.fromhex("90 41 FF 90 51 FF")
        yield line


def position(line):
    line.send(INQUIRE_POSITION)
    answer = line.read(11)
    assert answer[:2] == b"\x90\x50" and answer[-1] == 0xFF
    values = [int("".join(f"{nibble:x}" for nibble in answer[at : at + 4]), 16) for at in (2, 6)]
    return tuple(value - 0x10000 if value & 0x8000 else value for value in values)


def test_address_is_set_and_version_is_told(head):
    head.send(bytes.fromhex("88 30 01 FF"))
    assert head.read(4) == bytes.fromhex("88 30 02 FF")
    head.send(bytes.fromhex("81 09 00 02 FF"))
    assert head.read(10)[:4] == bytes.fromhex("90 50 00 20")


def test_position_is_reached_in_units_of_75_thousandths(head, shop):
    # 10 degrees right = 0085h, 10 degrees down = FF7Bh (manual p. 51)
    head.send(bytes.fromhex("81 01 06 02 18 17 00 00 08 05 0F 0F 07 0B FF"))
    assert head.read(3) == bytes.fromhex("90 41 FF")
    assert head.read(3) == bytes.fromhex("90 51 FF")
    assert position(head) == (0x85, -0x85)
    seen = shop.get("/world")["heads"]["front_head"]
    assert seen["pan_deg"] == pytest.approx(10, abs=0.05) and seen["tilt_deg"] == pytest.approx(-10, abs=0.05)


def test_drive_goes_on_until_stop(head, shop):
    head.send(bytes.fromhex("81 01 06 01 0C 0C 02 03 FF"))
    assert head.read(6) == bytes.fromhex("90 41 FF 90 51 FF")
    wait_for(lambda: position(head)[0] > 20, "the head to pan right")
    head.send(STOP)
    assert head.read(6) == bytes.fromhex("90 41 FF 90 51 FF")
    rests = position(head)
    assert position(head) == rests
    assert not shop.get("/world")["heads"]["front_head"]["moving"]


def test_drive_ends_at_the_fence(head):
    head.send(bytes.fromhex("81 01 06 01 18 17 01 01 FF"))
    assert head.read(6) == bytes.fromhex("90 41 FF 90 51 FF")
    # −30° and +15° in units of 0.075°
    wait_for(lambda: position(head) == (-400, 200), "the fence")


def test_zoom_goes_where_it_is_sent_and_by_speed(head, shop):
    head.send(bytes.fromhex("81 01 04 47 02 08 06 00 FF"))
    assert head.read(3) == bytes.fromhex("90 41 FF")
    assert head.read(3) == bytes.fromhex("90 51 FF")
    head.send(INQUIRE_ZOOM)
    assert head.read(7) == bytes.fromhex("90 50 02 08 06 00 FF")
    assert shop.get("/world")["heads"]["front_head"]["zoom"] == pytest.approx(4.0)
    head.send(bytes.fromhex("81 01 04 07 37 FF"))
    assert head.read(6) == bytes.fromhex("90 41 FF 90 51 FF")
    wait_for(lambda: shop.get("/world")["heads"]["front_head"]["zoom"] < 3.5, "the zoom to go wide")
    head.send(bytes.fromhex("81 01 04 07 00 FF"))
    assert head.read(6) == bytes.fromhex("90 41 FF 90 51 FF")


@pytest.mark.parametrize("wrong", ["81 01 06 01 01 01 05 03 FF", "81 01 04 99 FF", "81 09 04 99 FF", "81 55 00 FF"])
def test_syntax_error(head, wrong):
    head.send(bytes.fromhex(wrong))
    assert head.read(4) == bytes.fromhex("90 60 02 FF")


def test_bytes_may_come_one_by_one_and_other_addresses_are_not_answered(head):
    for byte in bytes.fromhex("82 09 06 12 FF") + INQUIRE_ZOOM:
        head.send(bytes([byte]))
    assert head.read(7)[:2] == b"\x90\x50"


def test_two_sockets_then_full_then_cancel(head):
    slow = bytes.fromhex("81 01 06 02 01 01 00 00 0C 08 00 00 00 00 FF")
    head.send(slow + slow)
    assert head.read(6) == bytes.fromhex("90 41 FF 90 42 FF")
    head.send(slow)
    assert head.read(4) == bytes.fromhex("90 60 03 FF")
    head.send(bytes.fromhex("81 21 FF"))
    assert head.read(4) == bytes.fromhex("90 61 04 FF")
    head.send(bytes.fromhex("81 21 FF"))
    assert head.read(4) == bytes.fromhex("90 61 05 FF")


def test_head_keeps_its_place_when_the_other_side_goes(head, shop):
    head.send(bytes.fromhex("81 01 06 02 18 17 00 00 08 05 00 00 00 00 FF"))
    assert head.read(6)[3:] == bytes.fromhex("90 51 FF")
    with shop.line("front_head") as again:
        assert position(again) == (0x85, 0)
