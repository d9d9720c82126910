"""The scanner: its grammar against everything a line can carry, and the driver on the simulator (RELIABILITY E17)."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import Condition, DeviceOfflineError
from drivers.scanner.serial import DRIVER, GROUP_SEPARATOR, LONGEST_CODE, ScanReader, SerialOptions, parse_scan

printable = st.text(st.characters(categories=("L", "N", "P", "S"), include_characters=" "), min_size=1, max_size=60)
codes = st.builds(GROUP_SEPARATOR.join, st.lists(printable, min_size=1, max_size=3))


@given(st.lists(codes, max_size=8), st.sampled_from(["\r", "\n", "\r\n"]), st.lists(st.integers(1, 9), max_size=400))
def test_codes_come_through_however_the_bytes_are_cut(texts, suffix, cuts):
    data = "".join(text + suffix for text in texts).encode()
    reader, got, at = ScanReader(), [], 0
    for cut in [*cuts, len(data)]:
        got += reader.feed(data[at : at + cut])
        at += cut
    assert got == texts
    assert reader.dropped == 0
    assert not reader.is_in_code


@given(st.binary(max_size=300))
def test_noise_never_crashes_and_what_comes_out_is_printable(data):
    reader = ScanReader()
    for text in reader.feed(data) + reader.feed(b"\r"):
        assert text.replace(GROUP_SEPARATOR, "").isprintable()
        assert 0 < len(text) <= LONGEST_CODE


@given(st.binary(max_size=100), codes)
def test_after_noise_and_a_suffix_the_next_code_reads(noise, text):
    reader = ScanReader()
    reader.feed(noise + b"\r")
    assert reader.feed(text.encode() + b"\r") == [text]


@pytest.mark.parametrize(
    "data",
    [b"\x1b@", b"471\x001", b"\xff\xfe4711", "4711\u202e".encode(), "47\u200b11".encode(), b"\x7f", b"a\tb"],
)
def test_control_and_hidden_characters_are_no_code(data):
    assert parse_scan(data) is None


def test_a_code_that_is_too_long_is_dropped_whole():
    reader = ScanReader()
    assert reader.feed(b"9" * (LONGEST_CODE * 3)) == []
    assert len(reader._data) <= LONGEST_CODE
    assert reader.feed(b"\r4711\r") == ["4711"]
    assert reader.dropped == 1


def test_half_a_code_is_not_joined_to_the_next():
    reader = ScanReader()
    reader.feed(b"471")
    reader.give_up()
    assert reader.feed(b"4712\r") == ["4712"]
    assert reader.dropped == 1


def test_a_prefix_is_asked_for_and_taken_off():
    reader = ScanReader(prefix="]C1")
    assert reader.feed(b"]C1010952\r4711\r]C1\r") == ["010952"]
    assert reader.dropped == 2


def test_wrong_options():
    with pytest.raises(ValueError, match="prefix"):
        SerialOptions(address="/dev/x", prefix="\x02")


@pytest.fixture
async def scanner(shop):
    driver = DRIVER(SerialOptions(address=shop.ports["scanner"], gap_s=0.2))
    await driver.open()
    await first_scan(shop, driver)
    yield shop, driver
    await driver.close()


async def first_scan(shop, driver) -> None:
    """Scan until one arrives: the simulator notices a newly opened port within some milliseconds."""
    async with asyncio.timeout(30):
        waiting = asyncio.create_task(driver.next_scan())
        while not waiting.done():
            shop.hands("scan_text", text="first")
            await asyncio.wait({waiting}, timeout=0.1)
    driver._pipe.drop_input()
    driver._codes.clear()


async def test_scans_come_in_order_even_when_nobody_waited(scanner):
    shop, driver = scanner
    for text in ("one", "https://shop.example/00/395012345678901234", "茶壶 3"):
        shop.hands("scan_text", text=text)
    got = [await asyncio.wait_for(driver.next_scan(), 30) for _ in range(3)]
    assert [scan.text for scan in got] == ["one", "https://shop.example/00/395012345678901234", "茶壶 3"]
    assert got[0].scanned_s <= got[2].scanned_s
    assert (await driver.status()).condition == Condition.ONLINE


async def test_a_pieces_tag(scanner):
    shop, driver = scanner
    shop.hands("scan_piece", piece="pot")
    assert (await asyncio.wait_for(driver.next_scan(), 30)).text == "4711"


async def test_a_pulled_cable_ends_the_wait(scanner):
    shop, driver = scanner
    waiting = asyncio.create_task(driver.next_scan())
    await asyncio.sleep(0.05)
    shop.fault("scanner", "unplugged")
    with pytest.raises(DeviceOfflineError) as caught:
        await asyncio.wait_for(waiting, 30)
    assert caught.value.reason == "hang_up"
    with pytest.raises(DeviceOfflineError):
        await driver.status()


async def test_noise_is_counted_and_the_next_scan_comes(pty_peer, eventually):
    driver = DRIVER(SerialOptions(address=pty_peer.address, gap_s=0.1))
    await driver.open()
    waiting = asyncio.create_task(driver.next_scan())
    await pty_peer.send(b"\xff\x00\x80\r" + b"half a co")
    await eventually(lambda: driver._reader.dropped == 2)
    await pty_peer.send(b"4711\r")
    assert (await asyncio.wait_for(waiting, 30)).text == "4711"
    assert (await driver.status()).raw == "dropped=2"
    await driver.close()


async def test_a_cancelled_wait_loses_no_scan(pty_peer):
    driver = DRIVER(SerialOptions(address=pty_peer.address))
    await driver.open()
    waiting = asyncio.create_task(driver.next_scan())
    await asyncio.sleep(0.02)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await pty_peer.send(b"4711\r")
    assert (await asyncio.wait_for(driver.next_scan(), 30)).text == "4711"
    await driver.close()
