"""The packing machine: raw Modbus TCP frames, and pymodbus as somebody else's reading of the same standard."""

import struct

import pytest
from pymodbus.client import ModbusTcpClient

from tests.drivers.simulators.running_shop import wait_for

GO = struct.pack(">HHHHH", 7, 300, 200, 150, 1)


@pytest.fixture
def shop(start_shop):
    return start_shop()


@pytest.fixture
def packer(shop):
    with shop.line("packer") as line:
        yield line


def ask(line, body, transaction=1):
    line.send(struct.pack(">HHHB", transaction, 0, len(body) + 1, 1) + body)
    answered, protocol, length, unit = struct.unpack(">HHHB", line.read(7))
    assert (answered, protocol, unit) == (transaction, 0, 1)
    return line.read(length - 1)


def read(line, address, count=1, function=3):
    answer = ask(line, struct.pack(">BHH", function, address, count))
    assert answer[:2] == bytes([function, 2 * count])
    return struct.unpack(f">{count}H", answer[2:])


def start(line, data=GO):
    return ask(line, struct.pack(">BHHB", 16, 0, 5, 10) + data)


def test_packs_once_per_job_number(shop, packer):
    shop.hands("carry", piece="caddy", to="bench")
    assert start(packer) == struct.pack(">BHH", 16, 0, 5)
    assert read(packer, 11) == (1,)
    wait_for(lambda: read(packer, 10) == (7,), "the job")
    assert read(packer, 4) == (0,) and read(packer, 11, function=4) == (0,)
    parcel = shop.get("/world")["parcel"]
    assert (parcel["piece"], parcel["length_mm"], parcel["height_mm"]) == ("caddy", 300, 150)
    start(packer)
    wait_for(lambda: shop.events("job_done_already"), "the truth")
    assert len(shop.events("packed")) == 1 and read(packer, 10) == (7,)


def test_frames_may_come_byte_by_byte(packer):
    for byte in struct.pack(">HHHBBHH", 5, 0, 6, 1, 3, 10, 1):
        packer.send(bytes([byte]))
    assert packer.read(11) == struct.pack(">HHHBBBH", 5, 0, 5, 1, 3, 2, 0)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (struct.pack(">BHH", 3, 5, 1), 2),
        (struct.pack(">BHH", 3, 0, 0), 3),
        (struct.pack(">BHH", 43, 0, 0), 1),
        (struct.pack(">BHH", 6, 10, 3), 2),
        (struct.pack(">BHHB", 16, 0, 5, 10) + struct.pack(">HHHHH", 0, 300, 200, 150, 1), 3),
        (struct.pack(">BHHB", 16, 0, 5, 10) + struct.pack(">HHHHH", 3, 30, 200, 150, 1), 3),
        (struct.pack(">BHH", 5, 0, 0x1234), 3),
    ],
)
def test_exceptions(packer, body, code):
    assert ask(packer, body) == bytes([body[0] | 0x80, code])


def test_busy_and_jam(shop, packer):
    shop.hands("carry", piece="caddy", to="bench")
    shop.fault("packer", "jam")
    start(packer)
    assert start(packer, struct.pack(">HHHHH", 8, 300, 200, 150, 1)) == bytes([0x90, 6])
    wait_for(lambda: read(packer, 11) == (2,), "the jam")
    assert read(packer, 4) == (1,) and shop.events("packed") == []
    shop.hands("clear_jam")
    wait_for(lambda: read(packer, 10) == (7,), "the job")
    assert len(shop.events("packed")) == 1


@pytest.mark.parametrize(
    ("fault", "state", "act"),
    [("film_out", 3, "load_film"), ("door_open", 4, "close_door"), ("emergency_stop", 5, "release_stop")],
)
def test_needs_a_person(shop, packer, fault, state, act):
    shop.fault("packer", fault)
    assert read(packer, 11) == (state,)
    assert start(packer) == bytes([0x90, 4])
    shop.hands(act)
    assert read(packer, 11) == (0,)


def test_reply_dropped_after_the_write_was_executed(shop, packer):
    shop.hands("carry", piece="caddy", to="bench")
    shop.fault("packer", "drop_reply")
    packer.send(struct.pack(">HHHB", 9, 0, 17, 1) + struct.pack(">BHHB", 16, 0, 5, 10) + GO)
    assert packer.some(0.5) is None
    wait_for(lambda: read(packer, 10) == (7,), "the job that was done all the same")


def test_heartbeat_goes_on(packer):
    before = read(packer, 12)
    wait_for(lambda: read(packer, 12) != before, "a beat")


def test_somebody_elses_client_reads_the_same(shop):
    shop.hands("carry", piece="caddy", to="bench")
    host, port = shop.ports["packer"][6:].split(":")
    client = ModbusTcpClient(host, port=int(port))
    assert client.connect()
    try:
        assert not client.write_registers(0, [21, 310, 210, 120, 1], device_id=1).isError()
        wait_for(lambda: client.read_holding_registers(10, count=1, device_id=1).registers == [21], "the job")
        assert client.read_input_registers(10, count=2, device_id=1).registers == [21, 0]
        assert client.write_coil(0, True, device_id=1).isError() is False
        assert client.read_coils(0, count=1, device_id=1).bits[0]
        assert client.read_holding_registers(60, count=1, device_id=1).exception_code == 2
    finally:
        client.close()
