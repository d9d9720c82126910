"""Codes and addresses of tags: typed as people type, read as scanners read, nothing strange is followed."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_relay.showroom import rules

HOSTS = frozenset({"shop.example"})
CODE = "7k2qx9mhd4"
ROOT = "https://shop.example"


def test_a_fresh_code_is_typed_as_it_is_printed():
    pick = random.Random(7).choice
    for _ in range(50):
        code = rules.new_code(pick)
        assert rules.CODE_PATTERN.fullmatch(code) and code[-1].isdigit()
        assert rules.code_in(rules.printed(code)) == code


@pytest.mark.parametrize("typed", ["7K2QX-9MHD4", "7k2qx9mhd4", " 7K2QX 9MHD4 ", "7K2QX–9MHD4"])
def test_case_dashes_and_spaces_do_not_matter(typed):
    assert rules.code_in(typed) == CODE


def test_letters_that_look_like_digits_are_read_as_those():
    assert rules.code_in("OL2QX-9MHD4") == "012qx9mhd4"


@pytest.mark.parametrize(
    "text", ["", "teapot", "earthenware", "7K2QX-9MHD", "7K2QX-9MHDX", "紫砂茶壶一二三四五六", "u" * 10]
)
def test_words_are_no_codes(text):
    assert rules.code_in(text) == ""


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (f"{ROOT}/t/{CODE}", f"/t/{CODE}"),
        (f"{ROOT}/01/09521234543213?t={CODE}", f"/01/09521234543213?t={CODE}"),
        (f"{ROOT}/01/09521234543213/21/T-4711", "/01/09521234543213/21/T-4711"),
        (f"HTTPS://SHOP.EXAMPLE/t/{CODE}", f"/t/{CODE}"),
        ("7K2QX-9MHD4", f"/t/{CODE}"),
        ("9521234543213", "/01/09521234543213"),
        ("(01)09521234543213", "/01/09521234543213"),
        (f"{ROOT}/p/par_1", "/p/par_1"),
    ],
)
def test_what_is_ours_leads_to_its_path(text, path):
    assert rules.read_code(text, HOSTS) == rules.Scanned(path=path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("https://evil.example/t/7k2qx9mhd4", "stranger"),
        ("https://shop.example@evil.example/t/7k2qx9mhd4", "stranger"),
        ("javascript://shop.example/%0aalert(1)", "stranger"),
        ("https://shop.example/api/sign-out", "not_ours"),
        ("https://shop.example//evil.example/", "not_ours"),
        ("https://[", "not_ours"),
        ("9521234543214", "not_ours"),
        ("WIFI:S:free;T:WPA;P:x;;", "not_ours"),
    ],
)
def test_what_is_not_ours_is_refused_with_its_reason(text, reason):
    assert rules.read_code(text, HOSTS) == rules.Scanned(reason=reason)


@given(st.text(max_size=60))
def test_no_text_leads_off_our_host(text):
    path = rules.read_code(text, HOSTS).path
    assert path == "" or (path.startswith("/") and not path.startswith("//"))


def test_the_address_is_a_digital_link_with_a_gtin_and_our_own_without():
    assert rules.address_of(ROOT, CODE, "9521234543213") == f"{ROOT}/01/09521234543213?t={CODE}"
    assert rules.address_of(ROOT, CODE, "") == f"{ROOT}/t/{CODE}"


def test_every_cut_fits_on_a4():
    for size in rules.SIZES.values():
        assert size.across * size.width_mm <= 210 and size.down * size.height_mm <= 297.001
    assert set(rules.SIZE_OF_KIND) == set(rules.TagKind)
