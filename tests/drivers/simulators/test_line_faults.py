"""Faults of a line are the same on every port; here on a serial one and on the packer's TCP port."""

import struct
import time
from pathlib import Path

import pytest

from tests.drivers.simulators.running_shop import wait_for

READ_STATE = struct.pack(">HHHBBHH", 1, 0, 6, 1, 3, 11, 1)


@pytest.fixture
def shop(start_shop):
    return start_shop()


def test_silent_serial_port(shop):
    with shop.line("turntable") as line:
        assert line.status()[0] == "Idle"
        shop.fault("turntable", "silent")
        line.send(b"?")
        assert line.some(0.4) is None
        shop.fault("turntable", "silent", on=False)
        assert line.status()[0] == "Idle"


def test_slow_answers_come_late_and_in_order(shop):
    shop.fault("turntable", "slow", seconds=0.6)
    with shop.line("turntable") as line:
        begun = time.monotonic()
        line.send(b"G90\n?")
        assert line.until(b"ok\r\n") == b"ok\r\n" or line.status()
        assert time.monotonic() - begun >= 0.55


def test_serial_cable_comes_loose_after_some_bytes_and_is_back(shop):
    shop.fault("turntable", "hang_up", after=4)
    with shop.line("turntable") as line:
        line.send(b"G0 X90\n")
        assert line.some() == b""
    # only "G0 X" came through; the machine waits for the rest of the line, which never comes
    with shop.line("turntable") as again:
        assert again.status()[:2] == ("Idle", (0.0, 0.0, 0.0))


def test_garbage_instead_of_answers(shop):
    shop.fault("packer", "garbage")
    with shop.line("packer") as line:
        line.send(READ_STATE)
        assert line.read(11) != struct.pack(">HHHBBBH", 1, 0, 5, 1, 3, 2, 0)


def test_unplugged_tcp_port_refuses_and_comes_back_at_the_same_address(shop):
    line = shop.line("packer")
    address = shop.ports["packer"]
    shop.fault("packer", "unplugged")
    assert line.some() == b""
    line.close()

    def is_refused():
        try:
            shop.line("packer").close()
        except ConnectionError:
            return True
        return False

    wait_for(is_refused, "a refusal")
    shop.fault("packer", "unplugged", on=False)

    def is_back():
        try:
            with shop.line("packer") as again:
                again.send(READ_STATE)
                return again.read(11)
        except ConnectionError:
            return None

    assert wait_for(is_back, "the port")[-2:] == b"\x00\x00"
    assert shop.ports["packer"] == address


def test_unplugged_serial_port_is_gone_from_the_folder(shop):
    path = Path(shop.ports["labeller"])
    before = str(path.readlink())
    shop.fault("labeller", "unplugged")
    assert not path.exists()
    shop.fault("labeller", "unplugged", on=False)
    wait_for(path.exists, "the port")
    with shop.line("labeller") as line:
        assert line.status()[0] == "Alarm"
    assert before.startswith("/dev/pts/")


def test_machine_keeps_working_when_the_other_side_dies(shop):
    with shop.line("turntable") as line:
        assert line.ask("G1 X30 F600") == ["ok"]
    wait_for(lambda: shop.get("/world")["turntables"]["turntable"]["angle_deg"] == 30.0, "the end of the move")
    assert shop.get("/faults") == []
