from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.values import (
    REFUSED_CHARACTERS,
    BadValueError,
    Gtin,
    Sscc,
    check_id,
    clean_text,
    format_time,
    gs1_check_digit,
    new_id,
    parse_time,
)


def test_ids_are_made_and_checked():
    assert new_id("ord", bytes(range(17))) == new_id("ord", bytes(range(17)))
    assert new_id("ord") != new_id("ord")
    assert check_id(new_id("ord"), "order_id").startswith("ord_")


@pytest.mark.parametrize("bad", ["", "A", "a/b", "a.b", "+", "#", "-a", "a" * 65, "茶"])
def test_what_may_not_stand_in_a_topic_is_no_id(bad):
    with pytest.raises(BadValueError, match="shop_id"):
        check_id(bad, "shop_id")


# Check digits from the GS1 General Specifications' own examples (GTIN-13 6291041500213, SSCC 106141412345678908).
@pytest.mark.parametrize(("body", "digit"), [("629104150021", 3), ("10614141234567890", 8), ("0000000", 0)])
def test_gs1_check_digit(body, digit):
    assert gs1_check_digit(body) == digit


@given(st.text("0123456789", min_size=7, max_size=17))
def test_one_wrong_digit_is_always_found(body):
    right = body + str(gs1_check_digit(body))
    for place in range(len(right)):
        wrong = right[:place] + str((int(right[place]) + 1) % 10) + right[place + 1 :]
        assert gs1_check_digit(wrong[:-1]) != int(wrong[-1])


def test_gtin_is_padded_and_refused_with_the_right_digit_in_the_message():
    assert str(Gtin("6291041500213")) == "06291041500213"
    assert Gtin("06291041500213") == Gtin("6291041500213")
    with pytest.raises(BadValueError, match="3 would be right"):
        Gtin("6291041500214")
    for bad in ("", "123", "629104150021x", "６２９１０４１５００２１３"):
        with pytest.raises(BadValueError, match="GTIN"):
            Gtin(bad)


@given(st.integers(4, 12), st.data())
def test_every_sscc_that_is_built_is_valid(width, data):
    prefix = data.draw(st.text("0123456789", min_size=width, max_size=width))
    serial = data.draw(st.integers(0, 10 ** (16 - width) - 1))
    sscc = Sscc.build(prefix, serial, extension=data.draw(st.integers(0, 9)))
    assert len(str(sscc)) == 18
    assert str(sscc)[1 : 1 + width] == prefix


@pytest.mark.parametrize(
    ("prefix", "serial", "extension"), [("952", 1, 0), ("9520", 10**12, 0), ("9520", -1, 0), ("9520", 1, 10)]
)
def test_what_does_not_fit_an_sscc_is_refused(prefix, serial, extension):
    with pytest.raises(BadValueError):
        Sscc.build(prefix, serial, extension)


def test_text_is_normalised_and_kept():
    assert clean_text("  Cafe\u0301 紫砂茶壶 🍵 ", "title") == "Café 紫砂茶壶 🍵"
    assert clean_text("a\r\nb", "address", lines=2) == "a\nb"


@given(st.text(max_size=40))
def test_cleaned_text_has_nothing_invisible_and_is_stable(text):
    try:
        cleaned = clean_text(text, "name")
    except BadValueError:
        return
    assert clean_text(cleaned, "name") == cleaned
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or c in REFUSED_CHARACTERS for c in cleaned)


@pytest.mark.parametrize(
    "bad", ["Ann\x1b@", "a\x00b", "\u202eevil", "a\u2066b", "zero\u200bwidth", "a\nb", "", "   ", "x" * 301]
)
def test_refused_text_names_its_field(bad):
    with pytest.raises(BadValueError, match="name: "):
        clean_text(bad, "name")


def test_the_longest_text_is_the_limit_itself():
    assert len(clean_text("x" * 300, "name")) == 300
    with pytest.raises(BadValueError, match="at most 2 fit"):
        clean_text("a\nb\nc", "address", lines=2)


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_survive_to_the_millisecond(moment):
    kept = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert parse_time(format_time(moment)) == kept


def test_times_without_zone_are_refused():
    assert parse_time("2026-11-22T10:00:00+08:00") == datetime(2026, 11, 22, 2, tzinfo=UTC)
    assert format_time(datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1)))) == "2025-12-31T23:00:00.000Z"
    for bad in ("2026-11-22T10:00:00", "yesterday", ""):
        with pytest.raises(BadValueError, match="time"):
            parse_time(bad)
    with pytest.raises(BadValueError):
        format_time(datetime(2026, 1, 1))  # noqa: DTZ001  # the missing zone is what is shown
