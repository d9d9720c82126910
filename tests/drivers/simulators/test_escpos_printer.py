"""The ESC/POS printer: what the paper shows, what it answers, what happens when it runs out or the line goes."""

import numpy as np
import pytest
from escpos.printer import Dummy
from PIL import Image

from drivers.simulators.escpos_commands import next_command
from tests.drivers.simulators.label_bytes import LINK, drawn_label, escpos_label
from tests.drivers.simulators.running_shop import wait_for

ASK_DONE = b"\x1d(H\x06\x0000job1"
DONE = b"\x37\x22job1\x00"


@pytest.fixture
def shop(start_shop):
    return start_shop()


def status(line, number):
    line.send(bytes([0x10, 0x04, number]))
    return line.read(1)[0]


def picture(shop, number):
    with Image.open(shop.folder / "labels" / f"{number}.png") as image:
        return np.asarray(image)


def test_draws_exactly_what_it_was_sent_and_says_when_it_is_on_paper(shop):
    label = drawn_label()
    data = escpos_label(label)
    with shop.line("printer") as line:
        assert [status(line, number) for number in (1, 2, 3, 4)] == [0x12] * 4
        line.send(data + ASK_DONE)
        assert line.read(len(DONE)) == DONE
        assert (picture(shop, 1) == np.asarray(label)).all()
    assert (
        shop.folder / "printer.bin"
    ).read_bytes() == b"\x10\x04\x01\x10\x04\x02\x10\x04\x03\x10\x04\x04" + data + ASK_DONE
    (entry,) = shop.labels()
    assert f"{LINK}1" in entry["codes"] and len(entry["codes"]) == 3
    assert entry["where"] == "mouth" and entry["applied_at"] is None


def test_python_escpos_prints_the_same_picture(shop):
    label = drawn_label()
    printer = Dummy()
    printer.hw("INIT")
    printer.profile.profile_data["media"]["width"]["pixels"] = 832
    printer.image(label.convert("1"), impl="bitImageRaster")
    printer.cut()
    with shop.line("printer") as line:
        line.send(printer.output + ASK_DONE)
        assert line.read(len(DONE)) == DONE
    assert (picture(shop, 1) == np.asarray(label)).all()
    assert len(shop.labels()) == 1


def test_status_is_answered_while_it_prints(shop):
    with shop.line("printer") as line:
        line.send(escpos_label(drawn_label()) + ASK_DONE)
        assert status(line, 4) == 0x12
        assert line.read(len(DONE)) == DONE


def test_what_it_does_not_know_is_printed_as_characters(shop):
    with shop.line("printer") as line:
        line.send(b"Ann ^XA\x1bZBob\n" + b"\x1dV\x00" + ASK_DONE)
        assert line.read(len(DONE)) == DONE
    assert "Ann ^XA" in shop.events("text_printed")[0]["text"]
    assert (picture(shop, 1) == 0).any()


def test_paper_runs_out_in_the_middle_and_the_rest_follows(shop):
    shop.fault("printer", "paper_out", after=500)
    with shop.line("printer") as line:
        line.send(escpos_label(drawn_label()) + ASK_DONE)
        wait_for(lambda: status(line, 4) == 0x72, "paper end")
        assert status(line, 1) == 0x1A and status(line, 2) == 0x32
        assert [entry["event"] for entry in shop.events("label_torn")] == ["label_torn"]
        shop.hands("refill")
        assert line.read(len(DONE)) == DONE
        assert status(line, 4) == 0x12
    assert (picture(shop, 1)[500:] == 255).all() and (picture(shop, 1)[:500] == np.asarray(drawn_label())[:500]).all()
    assert (picture(shop, 2)[:700] == np.asarray(drawn_label())[500:]).all()


def test_open_cover_stops_it_until_it_is_closed(shop):
    shop.hands("open_cover")
    with shop.line("printer") as line:
        assert status(line, 2) == 0x16 and status(line, 1) == 0x1A
        line.send(escpos_label(drawn_label()) + ASK_DONE)
        assert status(line, 1) == 0x1A and shop.labels() == []
        shop.hands("close_cover")
        assert line.read(len(DONE)) == DONE
    assert len(shop.labels()) == 1


def test_line_goes_half_way_and_the_spoiled_label_comes_out(shop):
    data = escpos_label(drawn_label())
    shop.fault("printer", "hang_up", after=len(data) // 2)
    with shop.line("printer") as line:
        line.send(data)
        assert line.some() == b""
    wait_for(shop.labels, "the spoiled label")
    assert shop.events("label_spoiled")
    assert f"{LINK}1" in shop.labels()[0]["codes"]
    assert (picture(shop, 1)[620:] == 255).all()
    with shop.line("printer") as again:
        again.send(data + ASK_DONE)
        assert again.read(len(DONE)) == DONE
    assert len(shop.labels()) == 2


def test_silent_printer_takes_bytes_until_it_goes_deaf(shop):
    shop.fault("printer", "silent", after=3)
    with shop.line("printer") as line:
        line.send(b"\x10\x04\x01\x10\x04\x01")
        assert line.some(0.5) is None
        shop.fault("printer", "silent", on=False)
        assert status(line, 1) == 0x12


def test_double_label(shop):
    shop.fault("printer", "double_label")
    with shop.line("printer") as line:
        line.send(escpos_label(drawn_label()) + ASK_DONE)
        assert line.read(len(DONE)) == DONE
    first, second = shop.labels()
    assert first["codes"] == second["codes"] and first["where"] == second["where"] == "mouth"


def test_one_connection_at_a_time(shop):
    with shop.line("printer") as first:
        assert status(first, 1) == 0x12
        with shop.line("printer") as second:
            second.send(b"\x10\x04\x01")
            assert second.some(0.3) is None
            first.close()
            first.socket = None
            first.fd = second.fd
            assert second.read(1) == b"\x12"
            first.fd = -1
            first.close = lambda: None


@pytest.mark.parametrize("split", [1, 7, 1000])
def test_commands_are_found_however_the_bytes_are_split(split):
    stream = b"\x1b@\x1ba\x01\x1dv0\x00\x02\x00\x03\x00abcdef\x1dVB\x05\x10\x04\x01Hi\n\x1b*\x21\x01\x00xyz\x0c"
    found, buffer = [], b""
    for at in range(0, len(stream), split):
        buffer += stream[at : at + split]
        while buffer and (hit := next_command(buffer)):
            found.append((hit[0].name, hit[0].data))
            buffer = buffer[hit[1] :]
    names = [name for name, _data in found if name != "text"]
    assert names == ["reset", "setting", "raster", "cut", "status", "line_feed", "ignored", "form_feed"]
    assert b"".join(data for name, data in found if name == "text") == b"Hi"
    assert buffer == b""
