"""VISCA frames: as an independent encoder's, there and back, whole and damaged; the head on a real line."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import AttendantNeededError, BadOptionsError, Condition, DeviceOfflineError
from drivers.pan_tilt import HeadPosition
from drivers.pan_tilt._visca_frames import (
    EVI_D70_LENS,
    POSITION_INQUIRY,
    ZOOM_INQUIRY,
    Ack,
    Answer,
    Done,
    Refused,
    encode_absolute,
    encode_drive,
    encode_frame,
    encode_zoom,
    encode_zoom_direct,
    parse_position,
    parse_reply,
    parse_zoom,
    position_to_zoom,
    zoom_to_position,
)
from drivers.pan_tilt.visca import DRIVER, ViscaOptions
from tests.drivers.patience import PATIENT_S, hurry

RECORDED = json.loads((Path(__file__).parents[1] / "captures" / "visca_over_ip_0.5.2.json").read_text(encoding="utf-8"))
units = st.integers(-0x8000, 0x7FFF)


def our_frame(call: str, arguments: list) -> bytes:
    """Say the same with our encoders; the recorded library counts tilt downwards."""
    match call, arguments:
        case "pantilt", [pan, tilt]:
            return encode_frame(1, encode_drive(pan / 24, -tilt / 23))
        case "pantilt", [pan_speed, tilt_speed, pan, tilt]:
            return encode_frame(1, encode_absolute(pan, tilt, pan_speed, tilt_speed))
        case "zoom", [speed]:
            return encode_frame(1, encode_zoom(speed / 8 + (0.01 if speed > 0 else -0.01 if speed < 0 else 0)))
        case "zoom_to", [share]:
            return encode_frame(1, encode_zoom_direct(round(share * 0x4000)))
        case "get_pantilt_position", []:
            return encode_frame(1, POSITION_INQUIRY)
        case "get_zoom_position", []:
            return encode_frame(1, ZOOM_INQUIRY)
    raise AssertionError(call)


@pytest.mark.parametrize("entry", RECORDED, ids=lambda entry: f"{entry['call']}{entry['arguments']}")
def test_frames_are_those_of_an_independent_encoder(entry):
    theirs, ours = bytes.fromhex(entry["frame"]), our_frame(entry["call"], entry["arguments"])
    if entry["call"] == "pantilt" and len(entry["arguments"]) == 2:
        # a standing axis has speed code 01 here (the manual names 01…18), 00 there; the direction byte says stop
        theirs = bytes(max(1, byte) if place in (4, 5) else byte for place, byte in enumerate(theirs))
    assert ours.hex(" ") == theirs.hex(" ")


@given(pan=units, tilt=units)
def test_positions_there_and_back(pan, tilt):
    payload = encode_absolute(pan, tilt)
    assert parse_position(payload[5:]) == (pan, tilt)
    assert all(byte <= 0x0F for byte in payload[5:])


@given(st.integers(0, 0xFFFF))
def test_zoom_there_and_back(position):
    assert parse_zoom(encode_zoom_direct(position)[3:]) == position


@given(st.floats(1, 18))
def test_magnification_there_and_back(zoom):
    assert position_to_zoom(zoom_to_position(zoom, EVI_D70_LENS), EVI_D70_LENS) == pytest.approx(zoom, abs=0.02)


@given(st.floats(-5, 5), st.floats(-5, 5))
def test_speeds_stay_in_the_manuals_range(pan, tilt):
    payload = encode_drive(pan, tilt)
    assert 1 <= payload[3] <= 24
    assert 1 <= payload[4] <= 23
    assert payload[5] == (3 if pan == 0 else 2 if pan > 0 else 1)
    assert payload[6] == (3 if tilt == 0 else 1 if tilt > 0 else 2)


@given(st.floats(-5, 5))
def test_no_frame_holds_an_early_terminator(zoom):
    assert 0xFF not in encode_zoom(zoom) + encode_zoom_direct(0xFFFF) + encode_absolute(-1, -0x8000)


@pytest.mark.parametrize(
    ("frame", "reply"),
    [
        ("90 41 ff", Ack(1)),
        ("90 52 ff", Done(2)),
        ("90 50 ff", Done(0)),
        ("90 60 02 ff", Refused(0, 2)),
        ("90 61 41 ff", Refused(1, 0x41)),
        ("90 50 02 ff", Answer(b"\x02")),
        ("a0 41 ff", None),
        ("90 ff", None),
        ("ff", None),
        ("90 61 ff", None),
        ("00 90 41 ff", None),
    ],
)
def test_replies(frame, reply):
    assert parse_reply(bytes.fromhex(frame)) == reply


@given(st.binary(max_size=20))
def test_noise_is_no_reply_and_no_crash(data):
    reply = parse_reply(data)
    assert reply is None or data[:1] == b"\x90"
    for parse in (parse_position, parse_zoom):
        try:
            parse(data)
        except ValueError:
            continue


@pytest.mark.parametrize(
    "wrong",
    [
        {"head_number": 0},
        {"pan_min_deg": 10.0, "pan_max_deg": -10.0},
        {"zoom_max": 19.0},
        {"lens": (0, 5, 5)},
        {"lens": (0,)},
        {"pan_speed_max": 25},
        {"units_per_deg": 0.0},
    ],
)
def test_wrong_options(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong)).split("_")[0]):
        ViscaOptions(address="/dev/x", **wrong)


class Head:
    """A head that answers at once; `refuse` maps the beginning of a payload to an error code."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []
        self.refuse: dict[bytes, int] = {}
        self.power = 2
        self.position = (0, 0)
        self._rest = b""

    def answer(self, data: bytes) -> bytes:
        *frames, self._rest = (self._rest + data).split(b"\xff")
        return b"".join(self._one(frame[1:]) for frame in frames if frame[:1] == b"\x81")

    def _one(self, payload: bytes) -> bytes:
        self.payloads.append(payload)
        for begin, code in self.refuse.items():
            if payload.startswith(begin):
                return bytes([0x90, 0x60, code, 0xFF])
        if payload == b"\x09\x04\x00":
            return bytes([0x90, 0x50, self.power, 0xFF])
        if payload == POSITION_INQUIRY:
            return b"\x90\x50" + encode_absolute(*self.position)[5:] + b"\xff"
        if payload == ZOOM_INQUIRY:
            return b"\x90\x50" + encode_zoom_direct(0)[3:] + b"\xff"
        if payload == b"\x01\x00\x01":
            return b"\x90\x50\xff"
        if payload[:1] in (b"\x21", b"\x22"):  # cancel: nothing runs in that socket
            return bytes([0x90, 0x60 | payload[0] & 0x0F, 5, 0xFF])
        return b"\x90\x41\xff\x90\x51\xff"


@pytest.fixture
async def head(pty_peer):
    machine = Head()
    pty_peer.answer = machine.answer
    driver = DRIVER(ViscaOptions(address=pty_peer.address, timeout_s=PATIENT_S, pan_min_deg=-30.0, pan_max_deg=30.0))
    yield machine, driver, pty_peer
    await driver.close()


DRIVE, ABSOLUTE, LIMIT = b"\x01\x06\x01", b"\x01\x06\x02", b"\x01\x06\x07"


def moves(machine: Head) -> list[bytes]:
    return [payload for payload in machine.payloads if payload[:3] == DRIVE and payload[5:] != b"\x03\x03"]


async def test_opening_stops_and_moves_nothing(head):
    machine, driver, _ = head
    await driver.open()
    assert b"\x01\x06\x01\x01\x01\x03\x03" in machine.payloads
    assert b"\x01\x04\x07\x00" in machine.payloads
    assert moves(machine) == []
    assert not [payload for payload in machine.payloads if payload[:3] == ABSOLUTE]
    assert (await driver.status()).condition == Condition.ONLINE


async def test_equal_steering_is_sent_once_and_stop_always(head):
    machine, driver, _ = head
    await driver.open()
    for _ in range(5):
        await driver.move(0.5, 0, 0)
    assert len(moves(machine)) == 1
    before = len(machine.payloads)
    await driver.stop()
    await driver.stop()
    assert [payload[:3] for payload in machine.payloads[before:]].count(DRIVE) == 2


async def test_a_head_without_limits_is_looked_at_before_it_moves(head):
    machine, driver, _ = head
    machine.refuse = {LIMIT: 2}
    await driver.open()
    machine.position = (round(30 * 40 / 3), 0)
    await driver.move(1.0, 0, 0)
    assert moves(machine) == []
    await driver.move(-1.0, 0, 0)
    assert len(moves(machine)) == 1


async def test_a_head_that_told_where_it_stands_is_not_asked_again_until_it_has_moved(head):
    machine, driver, _ = head
    machine.refuse = {LIMIT: 2}
    await driver.open()
    await driver.position()
    asked = machine.payloads.count(POSITION_INQUIRY)
    await driver.move(1.0, 0, 0)
    assert machine.payloads.count(POSITION_INQUIRY) == asked, "it drives at once"
    machine.position = (round(30 * 40 / 3), 0)
    await driver.move(1.0, 0, 0)
    assert moves(machine)[-1] == moves(machine)[0], "at its limit it is stopped"
    assert machine.payloads[-1] == b"\x01\x06\x01\x01\x01\x03\x03"
    await driver.stop()
    await driver.move(1.0, 0, 0)
    assert machine.payloads.count(POSITION_INQUIRY) == asked + 2, "it has moved since it told"


async def test_a_head_that_was_turned_by_hand_is_looked_at_before_a_motion_is_refused(head):
    machine, driver, _ = head
    machine.refuse = {LIMIT: 2}
    await driver.open()
    machine.position = (round(30 * 40 / 3), 0)
    await driver.position()
    machine.position = (0, 0)
    await driver.move(1.0, 0, 0)
    assert len(moves(machine)) == 1


async def test_what_a_head_told_of_where_it_stands_holds_for_a_while_only(head, monkeypatch):
    machine, driver, _ = head
    machine.refuse = {LIMIT: 2}
    await driver.open()
    await driver.position()
    machine.position = (round(30 * 40 / 3), 0)
    monkeypatch.setattr("drivers.pan_tilt.visca.STANDING_S", 0.0)
    await driver.move(1.0, 0, 0)
    assert moves(machine) == []


@pytest.mark.parametrize("way", ["move", "zoom", "go_to"])
async def test_whatever_moves_a_head_makes_it_unknown_where_it_stands(head, way):
    machine, driver, _ = head
    machine.refuse = {LIMIT: 2}
    await driver.open()
    await driver.position()
    doing = {
        "move": lambda: driver.move(-0.2, 0, 0), "zoom": lambda: driver.move(0, 0, -0.2),
        "go_to": lambda: driver.go_to(HeadPosition(pan_deg=5, tilt_deg=0, zoom=1)),
    }  # fmt: skip
    await doing[way]()
    await driver.position()  # on its way: that is no place to stand
    asked = machine.payloads.count(POSITION_INQUIRY)
    await driver.move(1.0, 0, 0)
    assert machine.payloads.count(POSITION_INQUIRY) == asked + 1


async def test_a_head_that_keeps_limits_is_told_them(head):
    machine, driver, _ = head
    await driver.open()
    limits = [payload for payload in machine.payloads if payload[:3] == LIMIT]
    assert [payload[4] for payload in limits] == [1, 0]
    assert parse_position(limits[0][5:]) == (400, round(25 * 40 / 3))


async def test_positions_are_clamped(head):
    machine, driver, _ = head
    await driver.open()
    await driver.go_to(HeadPosition(pan_deg=500, tilt_deg=-500, zoom=99))
    sent = next(payload for payload in machine.payloads if payload[:3] == ABSOLUTE)
    assert parse_position(sent[5:]) == (400, round(-25 * 40 / 3))
    assert machine.payloads[-1] == encode_zoom_direct(0x4000)


async def test_full_sockets_are_freed_once(head):
    machine, driver, _ = head
    await driver.open()
    machine.refuse = {DRIVE: 3}

    def freed(data: bytes) -> bytes:
        if data[1:2] in (b"\x21", b"\x22"):
            machine.refuse = {}
            return bytes([0x90, 0x60 | data[1] & 0x0F, 4, 0xFF])
        return machine.answer(data)

    head[2].answer = freed
    await driver.move(1.0, 0, 0)
    assert len(moves(machine)) == 2


@pytest.mark.parametrize(("code", "error"), [(0x41, AttendantNeededError), (2, BadOptionsError)])
async def test_a_refused_command_says_who_must_act(head, code, error):
    machine, driver, _ = head
    await driver.open()
    machine.refuse = {DRIVE: code}
    with pytest.raises(error):
        await driver.move(1.0, 0, 0)


async def test_a_head_in_standby_is_offline(head):
    machine, driver, _ = head
    machine.power = 3
    with pytest.raises(DeviceOfflineError) as caught:
        await driver.open()
    assert caught.value.reason == "standby"


async def test_a_silent_head_is_offline_and_both_stops_are_sent(head):
    machine, driver, peer = head
    await driver.open()
    machine.payloads.clear()
    peer.answer = lambda data: machine.answer(data) and b""
    hurry(driver)
    with pytest.raises(DeviceOfflineError) as caught:
        await driver.stop()
    assert caught.value.reason == "silent"
    assert [payload[:2] for payload in machine.payloads] == [b"\x01\x06", b"\x01\x04"]


async def test_noise_before_an_answer_is_passed_over(head):
    machine, driver, peer = head
    await driver.open()
    peer.answer = lambda data: b"\x00\x13\xff\x90\xff" + machine.answer(data)
    assert (await driver.position()).pan_deg == 0


async def test_only_noise_is_offline(head):
    _, driver, peer = head
    await driver.open()
    peer.answer = lambda data: b"\x55" * 200
    hurry(driver)
    with pytest.raises(DeviceOfflineError):
        await driver.position()


async def test_a_pulled_cable_is_offline_and_closing_is_quiet(head):
    _, driver, peer = head
    await driver.open()
    await peer.hang_up()
    with pytest.raises(DeviceOfflineError) as caught:
        await driver.move(1.0, 0, 0)
    assert caught.value.reason == "hang_up"
    await driver.close()
