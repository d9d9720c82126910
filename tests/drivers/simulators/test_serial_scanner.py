"""The scanner sends codes and CR to whoever has the port open."""

import pytest

from tests.drivers.simulators.running_shop import wait_for


@pytest.fixture
def scanner(shop):
    with shop.line("scanner") as line:
        # bytes sent before the port is seen open are lost: that is how a line is
        def is_heard():
            shop.hands("scan_text", text="hello")
            return line.some(0.2)

        wait_for(is_heard, "the line")
        while line.some(0.2):
            pass
        yield line


def test_tag_of_a_piece(shop, scanner):
    shop.hands("scan_piece", piece="caddy")
    assert scanner.until(b"\r") == b"4716\r"


def test_text_with_separator(shop, scanner):
    shop.hands("scan_text", text="0109521234543213\x1d214711")
    assert scanner.until(b"\r") == b"0109521234543213\x1d214711\r"


def test_nothing_to_scan(shop, scanner):
    status, answer = shop.post("/hands", {"act": "scan_parcel"})
    assert status == 409 and "label" in answer["error"]
    status, _answer = shop.post("/hands", {"act": "scan_piece", "piece": "elephant"})
    assert status == 409


def test_codes_sent_while_nobody_listens_are_lost(shop, scanner):
    scanner.close()
    shop.hands("scan_text", text="into the void")
    with shop.line("scanner") as again:
        assert again.some(0.3) is None
    scanner.close = lambda: None


def test_garbage_and_unplugged(shop, scanner):
    shop.fault("scanner", "garbage")
    shop.hands("scan_piece", piece="caddy")
    noise = scanner.read(5)
    assert noise != b"4716\r"
    shop.fault("scanner", "garbage", on=False)
    shop.fault("scanner", "unplugged")
    assert scanner.some() == b""
    shop.fault("scanner", "unplugged", on=False)

    with shop.line("scanner") as line:

        def is_back():
            shop.hands("scan_piece", piece="caddy")
            return line.some(0.2)

        wait_for(is_back, "the scanner's return")


def test_the_line_breaks_in_the_middle_of_a_code(shop, scanner):
    shop.fault("scanner", "hang_up", after=2)
    shop.hands("scan_piece", piece="caddy")
    assert scanner.read(2) == b"47"
    assert scanner.some() == b""
    with shop.line("scanner") as again:

        def is_back():
            shop.hands("scan_piece", piece="caddy")
            return again.some(0.2)

        assert wait_for(is_back, "the scanner at the same path").startswith(b"4716")
