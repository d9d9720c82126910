"""What printers say: ESC/POS bytes of three kinds mixed, ZPL status lines, and printers that answer oddly."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from drivers.base import AttendantNeededError, Condition, DeviceOfflineError, OutcomeUnknownError
from drivers.label_printer import escpos, zpl
from drivers.label_printer.escpos import AnswerReader, PrinterState, encode_process_id
from drivers.label_printer.zpl import parse_host_status

statuses = st.integers(0, 255).map(lambda value: value & ~0x93 | 0x12)
papers = st.integers(0, 255).map(lambda value: value & ~0x90).filter(lambda value: value != 0x37)
answers = st.lists(
    st.one_of(
        statuses.map(lambda value: ("status", bytes([value]))),
        st.integers(0, 0xFFFF).map(lambda number: ("proof", b"\x37\x22" + encode_process_id(number) + b"\x00")),
        st.sampled_from([("noise", b"\x11"), ("noise", b"\x13"), ("noise", b"\xff")]),
    ),
    max_size=20,
)


@given(answers, st.lists(st.integers(1, 5), max_size=60))
def test_answers_are_sorted_however_they_are_cut(sent, cuts):
    data, at, reader = b"".join(part for _, part in sent), 0, AnswerReader()
    for cut in [*cuts, len(data)]:
        reader.feed(data[at : at + cut])
        at += cut
    assert list(reader.statuses) == [part[0] for kind, part in sent if kind == "status"]
    assert list(reader.proofs) == [part[2:6] for kind, part in sent if kind == "proof"]


@given(st.lists(st.one_of(papers, statuses), max_size=20))
def test_paper_status_and_real_time_status_are_never_taken_for_each_other(values):
    reader = AnswerReader()
    reader.feed(bytes(values))
    assert list(reader.statuses) == [value for value in values if value & 0x93 == 0x12]
    assert [proof[0] for proof in reader.proofs] == [value for value in values if value & 0x93 != 0x12]


@given(st.binary(max_size=300))
def test_noise_does_not_crash(data):
    reader = AnswerReader()
    reader.feed(data)
    assert all(value & 0x93 == 0x12 for value in reader.statuses)
    assert len(reader._head) < 7


@given(st.integers(0, 10**9))
def test_process_ids_are_allowed_characters_and_never_a_status(number):
    made = encode_process_id(number)
    assert all(32 <= byte <= 126 and byte & 0x93 != 0x12 for byte in made)
    assert made != encode_process_id(number + 1)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((0x12, 0x12, 0x12, 0x12), ""),
        ((0x1A, 0x16, 0x12, 0x12), "cover_open"),
        ((0x1A, 0x32, 0x12, 0x72), "paper_out"),
        ((0x12, 0x12, 0x12, 0x1E), ""),  # near end: there is still some
        ((0x1A, 0x52, 0x1A, 0x12), "cutter_jam"),
        ((0x1A, 0x52, 0x52, 0x12), "head_hot"),
        ((0x1A, 0x52, 0x32, 0x12), "printer_error"),
        ((0x1A, 0x52, 0x12, 0x12), "printer_error"),
        ((0x1A, 0x12, 0x12, 0x12), "switched_offline"),
    ],
)
def test_what_the_four_status_bytes_mean(answer, reason):
    assert PrinterState(*answer).reason == reason


FIRST, SECOND = "030,0,0,0320,000,0,0,0,000,0,0,0", "000,0,0,0,0,2,4,0,00000000,1,000"


def host_status(first: str = FIRST, second: str = SECOND) -> list[bytes]:
    return [first.encode(), second.encode(), b"1234,0"]


@pytest.mark.parametrize(
    ("lines", "reason", "is_working"),
    [
        (host_status(), "", False),
        (host_status("030,1,0,0320,000,0,0,0,000,0,0,0"), "paper_out", False),
        (host_status("030,0,1,0320,000,0,0,0,000,0,0,0"), "paused", False),
        (host_status("030,0,0,0320,002,0,0,0,000,0,0,0"), "", True),
        (host_status("030,0,0,0320,000,0,0,1,000,0,0,0"), "", True),
        (host_status("030,0,0,0320,000,0,0,0,000,1,0,0"), "printer_error", False),
        (host_status("030,0,0,0320,000,0,0,0,000,0,0,1"), "head_hot", False),
        (host_status(second="000,0,1,0,0,2,4,0,00000000,1,000"), "cover_open", False),
        (host_status(second="000,0,0,1,0,2,4,0,00000000,1,000"), "ribbon_out", False),
        (host_status(second="000,0,0,0,0,2,4,0,00000003,1,000"), "", True),
    ],
)
def test_what_the_host_status_means(lines, reason, is_working):
    state = parse_host_status(lines)
    assert (state.reason, state.is_working) == (reason, is_working)


@given(st.lists(st.one_of(st.binary(max_size=60), st.sampled_from(host_status())), max_size=4))
def test_damaged_host_status_is_refused(lines):
    try:
        state = parse_host_status(lines)
    except ValueError:
        return
    assert len(lines) == 3
    assert state.labels_left >= 0


SIZE = {"width_mm": 25.0, "length_mm": 20.0, "timeout_s": 0.3, "print_s": 1.0}
LABEL = Image.new("1", (200, 160), 1)


def escpos_printer(address: str, **more) -> escpos.DRIVER:
    return escpos.DRIVER(escpos.EscposOptions(address=address, **SIZE, **more))


def zpl_printer(address: str) -> zpl.DRIVER:
    return zpl.DRIVER(zpl.ZplOptions(address=address, **SIZE))


def well(data: bytes) -> bytes:
    """Answer every real-time question and every GS r."""
    return b"\x12" * data.count(b"\x10\x04") + b"\x00" * data.count(b"\x1dr\x01")


async def test_a_printer_on_a_serial_line_with_flow_control_noise(pty_peer):
    pty_peer.answer = lambda data: b"\x11\x13" + well(data) + b"\x11"
    driver = escpos_printer(pty_peer.address)
    await driver.open()
    await driver.print_label(LABEL)
    assert pty_peer.got.count(b"\x1dv0") == 1
    await driver.close()


async def test_earlier_work_in_the_buffer_keeps_a_new_label_back(tcp_peer):
    tcp_peer.answer = lambda data: b"\x12" * data.count(b"\x10\x04")  # real-time answers only: the buffer stands
    driver = escpos_printer(tcp_peer.address)
    await driver.open()
    for _ in range(2):
        with pytest.raises(AttendantNeededError) as caught:
            await driver.print_label(LABEL)
        assert caught.value.reason == "buffer_not_empty"
    assert b"\x1dv0" not in tcp_peer.got
    await driver.close()


async def test_a_late_proof_of_earlier_work_does_not_prove_the_next_label(tcp_peer):
    """Two questions are open: one answer must not count for both."""
    questions = itertools.count(1)

    def answer(data: bytes) -> bytes:
        proofs = sum(next(questions) == 2 for _ in range(data.count(b"\x1dr\x01")))
        return b"\x12" * data.count(b"\x10\x04") + b"\x00" * proofs

    tcp_peer.answer = answer
    driver = escpos_printer(tcp_peer.address)
    await driver.open()
    for _ in range(2):
        with pytest.raises(AttendantNeededError):
            await driver.print_label(LABEL)
    assert b"\x1dv0" not in tcp_peer.got
    await driver.close()


async def test_the_answer_of_another_job_is_no_proof(tcp_peer):
    def answer(data: bytes) -> bytes:
        process = b"\x37\x22@@@@\x00" if b"\x1d(H" in data else b""
        return b"\x12" * data.count(b"\x10\x04") + process

    tcp_peer.answer = answer
    driver = escpos_printer(tcp_peer.address, proof="process_id")
    await driver.open()
    with pytest.raises(AttendantNeededError) as caught:
        await driver.print_label(LABEL)
    assert caught.value.reason == "buffer_not_empty"
    await driver.close()


@pytest.mark.parametrize("make", [escpos_printer, zpl_printer])
@pytest.mark.parametrize("answer", [b"", b"\xff\xff", b"\x02GABAGE\x03" * 3])
async def test_a_printer_that_says_nothing_sensible_is_offline(tcp_peer, make, answer):
    tcp_peer.answer = lambda data: answer
    with pytest.raises(DeviceOfflineError):
        await make(tcp_peer.address).open()


async def test_a_printer_that_falls_silent_behind_the_label_is_unknown(tcp_peer):
    questions = itertools.count()

    def answer(data: bytes) -> bytes:
        lines = b"".join(b"\x02" + line + b"\x03\r\n" for line in host_status())
        return lines if b"~HS" in data and next(questions) < 2 else b""

    tcp_peer.answer = answer
    driver = zpl_printer(tcp_peer.address)
    await driver.open()
    with pytest.raises(OutcomeUnknownError) as caught:
        await driver.print_label(LABEL)
    assert caught.value.reason == "silent"
    await driver.close()


async def test_a_label_that_waits_at_the_mouth_keeps_the_next_back(tcp_peer):
    lines = host_status(second="000,0,0,0,0,2,4,1,00000000,1,000")
    tcp_peer.answer = lambda data: b"".join(b"\x02" + line + b"\x03\r\n" for line in lines) if b"~HS" in data else b""
    driver = zpl_printer(tcp_peer.address)
    await driver.open()
    assert (await driver.status()).condition == Condition.ONLINE
    with pytest.raises(AttendantNeededError) as caught:
        await driver.print_label(LABEL)
    assert caught.value.reason == "label_waiting"
    assert b"^XA" not in tcp_peer.got
    await driver.close()
