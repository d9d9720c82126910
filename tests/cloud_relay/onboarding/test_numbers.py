"""Identity and company numbers: by form and check digit, at the edges, and every single slip of the hand is found."""

import string
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as some

from cloud_relay.onboarding import identity_numbers as numbers
from cloud_relay.refusals import RefusedError

TODAY = date(2030, 1, 1)
RESIDENT = "11010519491231002X"
"""GB 11643-1999, annex: the standard's own example."""
CREDIT = "91350100M000100Y43"
"""GB 32100-2015: the example of its explanation."""


def clean(text, kind, country="CN"):
    return numbers.clean_number(text, kind, country, TODAY)


def test_the_standards_own_examples_are_taken_as_people_write_them():
    assert clean(" 110105 19491231 002x", "person") == RESIDENT
    assert clean("91350100m000100y43", "company") == CREDIT


@pytest.mark.parametrize("place", range(18))
def test_one_wrong_digit_is_always_found(place):
    for good, alphabet, kind in ((RESIDENT, string.digits, "person"), (CREDIT, numbers.CREDIT_ALPHABET, "company")):
        for other in alphabet:
            if other != good[place]:
                with pytest.raises(RefusedError):
                    clean(good[:place] + other + good[place + 1 :], kind)


@given(some.text(numbers.CREDIT_ALPHABET, min_size=17, max_size=17))
def test_a_credit_code_with_its_check_character_is_taken(first):
    assert clean(first + numbers.credit_check(first), "company") == first + numbers.credit_check(first)


def resident(born: str) -> str:
    first = f"110105{born}002"
    return first + numbers.resident_check(first)


@pytest.mark.parametrize(
    ("born", "is_taken"),
    [("20120101", True), ("20120102", False), ("20111231", True), ("20000229", True), ("19990229", False),
     ("20001301", False), ("20300102", False)],
)  # fmt: skip
def test_a_merchant_is_of_age_to_the_day(born, is_taken):
    if is_taken:
        assert clean(resident(born), "person") == resident(born)
    else:
        with pytest.raises(RefusedError):
            clean(resident(born), "person")


@pytest.mark.parametrize(
    ("country", "text", "cleaned"),
    [
        ("DE", "DE 136 695 976", "DE136695976"), ("AT", "U13585627", "ATU13585627"), ("GR", "094259216", "EL094259216"),
        ("FR", "FR40303265045", "FR40303265045"), ("NL", "NL004495445B01", "NL004495445B01"),
        ("IE", "IE6433435F", "IE6433435F"), ("ES", "ESX9999999X", "ESX9999999X"),
        ("SE", "556188840401", "SE556188840401"),
        ("US", "12-3456789", "12-3456789"),
    ],
)  # fmt: skip
def test_vat_numbers_have_the_form_of_their_country(country, text, cleaned):
    assert clean(text, "company", country) == cleaned


@pytest.mark.parametrize(
    ("country", "text"),
    [("DE", "DE13669597"), ("DE", "FR136695976"), ("AT", "13585627"), ("NL", "NL004495445A01"), ("SE", "556188840402"),
     ("ES", "ES12345678"), ("US", "12"), ("US", "<script>"), ("FR", "FRO1303265045"), ("DE", "１３６６９５９７６")],
)  # fmt: skip
def test_what_has_another_form_is_refused(country, text):
    with pytest.raises(RefusedError):
        clean(text, "company", country)


def test_every_form_stands_for_a_country_of_the_union():
    assert len(numbers.VAT_FORMS) == 27


@pytest.mark.parametrize("text", ["", "I" * 18, "9135010OM000100Y43", CREDIT + "0", "１" * 18])
def test_a_credit_code_of_other_characters_is_refused(text):
    with pytest.raises(RefusedError):
        clean(text, "company")
