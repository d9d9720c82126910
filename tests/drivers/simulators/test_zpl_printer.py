"""The ZPL printer: formats in every way of writing a graphic, and ~HS."""

import numpy as np
import pytest
from PIL import Image

from drivers.simulators.zpl_graphics import BadGraphicError, decode_graphic
from tests.drivers.simulators.label_bytes import LINK, drawn_label, zpl_label
from tests.drivers.simulators.running_shop import wait_for

WORLD = """
[world]
name = "zpl"
[printer.printer]
language = "zpl"
speed_mm_s = 1500.0
"""


@pytest.fixture
def shop(start_shop):
    return start_shop(WORLD)


def host_status(line):
    line.send(b"~HS")
    strings = [line.until(b"\x03\r\n") for _string in range(3)]
    assert all(string.startswith(b"\x02") for string in strings)
    return [string[1:-3].decode().split(",") for string in strings]


@pytest.mark.parametrize("form", ["A", "B64", "Z64"])
def test_graphic_is_drawn_dot_by_dot(shop, form):
    label = drawn_label()
    with shop.line("printer") as line:
        line.send(zpl_label(label, form))
        wait_for(shop.labels, "a label")
    with Image.open(shop.folder / "labels" / "1.png") as image:
        assert (np.asarray(image) == np.asarray(label)).all()
    assert f"{LINK}1" in shop.labels()[0]["codes"]


def test_host_status_has_the_manuals_fields(shop):
    with shop.line("printer") as line:
        first, second, third = host_status(line)
        assert (len(first), len(second), len(third)) == (12, 11, 2)
        assert first[1] == "0" and first[3] == "1200" and second[2] == "0"
        shop.fault("printer", "paper_out")
        shop.fault("printer", "cover_open")
        first, second, _third = host_status(line)
        assert first[1] == "1" and second[2] == "1"
        line.send(zpl_label(drawn_label(), "Z64"))
        first, second, _third = host_status(line)
        assert int(first[4]) > 0 and int(second[8]) > 0 and shop.labels() == []
        shop.hands("refill")
        shop.hands("close_cover")
        wait_for(shop.labels, "the label that waited")
        wait_for(lambda: int(host_status(line)[0][4]) == 0, "an empty buffer")


def test_partial_format_shows_and_is_forgotten_when_the_line_goes(shop):
    data = zpl_label(drawn_label(), "Z64")
    with shop.line("printer") as line:
        line.send(data[: len(data) // 2])
        assert host_status(line)[0][7] == "1"
    with shop.line("printer") as again:
        assert host_status(again)[0][7] == "0"
        again.send(data)
        wait_for(shop.labels, "a whole label")
    assert len(shop.labels()) == 1


def test_wrong_crc_draws_nothing_and_is_told(shop):
    data = zpl_label(drawn_label(), "Z64")
    at = data.index(b"^FS") - 4
    with shop.line("printer") as line:
        line.send(data[:at] + b"0000" + data[at + 4 :])
        wait_for(lambda: shop.events("commands_unknown"), "the truth")
    assert shop.labels() == []


def test_repeat_letters_and_row_marks():
    # two bytes a row: FF00, the same again, 0F then zeros, ones to the end; H = 2, gG = 21
    dots = decode_graphic(8, 2, "HF,:0F,!")
    assert [row.astype(int).tolist() for row in dots] == [
        [1] * 8 + [0] * 8, [1] * 8 + [0] * 8, [0] * 4 + [1] * 4 + [0] * 8, [1] * 16,
    ]  # fmt: skip
    assert decode_graphic(11, 11, "gG" + "F" + ",").sum() == 84


@pytest.mark.parametrize("data", [":Z64:AAAA:1234", ":B64:AAAA", "XYZ?"])
def test_broken_graphics_are_named(data):
    with pytest.raises(BadGraphicError):
        decode_graphic(4, 2, data)
