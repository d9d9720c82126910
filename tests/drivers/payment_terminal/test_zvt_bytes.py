"""ZVT's bytes: round trips, damage, and status information of real terminals."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.payment_terminal import PaymentAsk
from drivers.payment_terminal import _zvt_apdu as zvt
from drivers.payment_terminal._zvt_apdu import Told
from edge.counter.amounts import DIGITS, digits_of, plain

REAL = {
    "paid": "270004000000002040 0B000470 0C223953 0D1006 0E2512 170001 1970 22F0F8EEEEEEEEEEEE4771 2928004869"
    "2A313030343631373633202020202020 3B3631313830340000 3CF0F1F447454E2E4E522E3A363131383034 490978 870470 88000470"
    "8A2E 8BF1F74465626974204D61737465726361726400",
    "cancelled": "276C 2928004869 3CF0F1F941626272756368206475726368204B756E6465",
    "contactless": "2700 04000000002040 0C210916 0D1101 0E9999 22F0F8EEEEEEEEEEEE4771 A001 2900000006 870005 0B000000"
    "8A06 8BF1F14D41535445524341524400 062E2F081F1201011F10010360 1B4307A0000000041010",
}
"""Data blocks of 04 0F from real terminals, as the tests of Portalum.Zvt (MIT licence) publish them."""


def test_a_real_terminals_payment_is_read():
    told = Told(fields=zvt.parse_bmps(bytes.fromhex(REAL["paid"])))
    payment = told.payment(is_paid=True)
    assert told.result_code == 0
    assert (payment.amount_minor, payment.receipt_no, payment.trace_no) == (2040, 470, 470)
    assert (payment.terminal_id, payment.card_name) == ("28004869", "Debit Mastercard")


def test_a_real_terminals_refusal_is_read():
    told = Told(fields=zvt.parse_bmps(bytes.fromhex(REAL["cancelled"])))
    assert told.result_code == 0x6C
    assert zvt.reason(0x6C) == "cancelled"


def test_what_stands_behind_a_tlv_container_is_not_needed():
    payment = Told(fields=zvt.parse_bmps(bytes.fromhex(REAL["contactless"]))).payment(is_paid=True)
    assert (payment.amount_minor, payment.receipt_no, payment.card_name) == (2040, 5, "MASTERCARD")


@given(cut=st.integers(min_value=0, max_value=200), name=st.sampled_from(sorted(REAL)))
def test_a_cut_status_information_is_refused_or_whole_up_to_there(cut, name):
    data = bytes.fromhex(REAL[name])[:cut]
    try:
        found = zvt.parse_bmps(data)
    except ValueError:
        return
    assert all(value in data for value in found.values())


@given(data=st.binary(max_size=64))
def test_noise_never_ends_in_anything_but_a_value_error(data):
    with contextlib.suppress(ValueError):
        Told(fields=zvt.parse_bmps(data)).payment(is_paid=False)


@given(number=st.integers(min_value=0, max_value=10**12 - 1))
def test_bcd_goes_there_and_back(number):
    assert zvt.from_bcd(zvt.to_bcd(number, 6)) == number


@given(number=st.one_of(st.integers(max_value=-1), st.integers(min_value=10**12)))
def test_bcd_refuses_what_does_not_fit(number):
    with pytest.raises(ValueError, match="does not fit"):
        zvt.to_bcd(number, 6)


@given(amount=st.integers(min_value=1, max_value=zvt.AMOUNT_MAX_MINOR), currency=st.sampled_from(sorted(zvt.NUMERIC)))
def test_every_amount_of_every_currency_crosses_in_its_own_minor_units(amount, currency):
    block = zvt.encode_authorisation(PaymentAsk(amount_minor=amount, currency=currency, reference="s"))
    assert block[:3] == b"\x06\x01" + bytes([len(block) - 3])
    fields = zvt.parse_bmps(block[3:])
    assert zvt.from_bcd(fields[0x04]) == amount
    assert zvt.from_bcd(fields[0x49]) == zvt.NUMERIC[currency]


@given(amount=st.integers(min_value=0, max_value=10**13), currency=st.sampled_from([*DIGITS, "EUR", "CNY"]))
def test_an_amount_reads_back_from_its_text_whatever_the_currencys_digits(amount, currency):
    text = plain(amount, currency)
    digits = digits_of(currency)
    assert int(text.replace(".", "")) == amount
    assert len(text.partition(".")[2]) == digits


@given(size=st.sampled_from([0, 1, 254, 255, 256, 700]))
def test_long_blocks_say_their_length_in_two_bytes_low_first(size):
    block = zvt.block(zvt.PRINT_LINE, b"x" * size)
    head = 3 if size < 255 else 5
    assert len(block) == head + size
    assert (block[2] if size < 255 else int.from_bytes(block[3:5], "little")) == size


def test_the_registration_says_that_the_till_rules():
    block = zvt.encode_registration(0, "EUR", prints_here=False)
    assert block.hex() == "0600060000003809" + "78"
    assert zvt.encode_registration(123456, "EUR", prints_here=True).hex() == "060006123456ba0978"
