"""A table of goods, line by line: what is taken, what is refused and in which line, in which encoding."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from cloud_relay.catalog.variant_rules import VARIANTS_MAX
from cloud_relay.publishing import rules
from cloud_relay.publishing.variant_lines import variants_of
from cloud_relay.refusals import RefusedError

HEAD = "sku,title_zh,title_en,price,on_hand,pieces,gtin,weight_g\n"


def read(text, digits=2, skus=(), codes=(), encoding="utf-8"):
    return rules.read_table(text.encode(encoding), digits, list(skus), list(codes))


def line(sku="A-1", title_zh="茶杯", title_en="Cup", price="12.50", on_hand="3", pieces="", gtin="", weight_g="180"):
    return f"{sku},{title_zh},{title_en},{price},{on_hand},{pieces},{gtin},{weight_g}\n"


def test_a_line_becomes_a_listing_with_its_pieces():
    (row,) = read(HEAD + line(pieces="T-1 T-2|T-3;T-4")).rows
    assert row["line"] == 2 and row["price_minor"] == 1250 and row["weight_g"] == 180
    assert row["pieces"] == ["T-1", "T-2", "T-3", "T-4"] and row["on_hand"] == 4


@pytest.mark.parametrize(
    ("encoding", "named"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("gbk", "gb18030"), ("gb18030", "gb18030"),
                            ("gb2312", "gb18030"), ("utf-16", "utf-16")],
)  # fmt: skip
def test_every_encoding_that_merchants_send_is_read(encoding, named):
    found = read("货号,名称,价格\nA-1,紫砂茶壶,380\n", encoding=encoding)
    assert found.encoding == named and found.faults == []
    assert found.rows[0]["title_zh"] == "紫砂茶壶" and found.rows[0]["price_minor"] == 38000


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_every_sign_between_cells_is_known(sign):
    found = read(f"sku{sign}title_en{sign}price\nA-1{sign}Cup{sign}1\n")
    assert found.rows[0]["title_en"] == "Cup"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"  \n",
        b",,,\n,,,\n",
        b'""',
        b'"",""\r\n',
        b";;",
        b"PK\x03\x04workbook",
        b"\xd0\xcf\x11\xe0old",
        b"\x80\xff\xfe\x00",
        b"a\0b",
    ],
)
def test_what_is_no_table_is_refused_whole(content):
    with pytest.raises(RefusedError, match="bad_table"):
        rules.read_table(content, 2, [], [])


@pytest.mark.parametrize("sign", rules.FORMULA_SIGNS[:8])
@pytest.mark.parametrize("column", ["sku", "title_zh", "title_en"])
def test_a_cell_that_a_spreadsheet_would_run_is_refused(sign, column):
    (fault,) = read(HEAD + line() + line(**{"sku": "A-2", column: f"{sign}cmd"})).faults
    assert (fault.line, fault.column) == (3, column)


def test_one_wrong_line_keeps_all_of_them_out():
    found = read(HEAD + line() + line(sku="A-2", price="free"))
    assert found.rows == [] and [(one.line, one.column) for one in found.faults] == [(3, "price")]


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ({"sku": ""}, "sku"), ({"title_zh": "", "title_en": ""}, "title_zh"), ({"price": "0"}, "price"),
        ({"price": "1.234"}, "price"), ({"price": "¥12"}, "price"), ({"price": "１２"}, "price"),
        ({"price": ""}, "price"),
        ({"on_hand": "1.5"}, "on_hand"), ({"on_hand": "1000001"}, "on_hand"), ({"weight_g": "100001"}, "weight_g"),
        ({"gtin": "4006381333930"}, "gtin"), ({"title_en": "x" * 151}, "title_en"),
        ({"title_en": "a\u202eb"}, "title_en"),
        ({"pieces": "T-1 T-1"}, "pieces"), ({"pieces": "x" * 41}, "pieces"), ({"sku": "x" * 61}, "sku"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_line_and_column(values, column):
    found = read(HEAD + line(**values))
    assert {(one.line, one.column) for one in found.faults} == {(2, column)} and all(
        one.en and one.zh for one in found.faults
    )


def test_numbers_come_once_in_the_table_and_in_the_shop():
    found = read(HEAD + line(pieces="T-1") + line(pieces="T-1") + line(sku="OLD") + line(sku="A-3", pieces="T-9"),
                 skus=["OLD"], codes=["T-9"])  # fmt: skip
    assert [(one.line, one.column) for one in found.faults] == [(3, "pieces"), (3, "sku"), (4, "sku"), (5, "pieces")]
    assert "line 2" in found.faults[0].en


@pytest.mark.parametrize(
    ("head", "columns"),
    [("sku,title_en\n", {"price"}), ("price,title_en\n", {"sku"}), ("sku,price\n", {"title_zh"}),
     ("sku,price,title_en,material\n", {"material"}), ("sku,sku,price,title_en\n", {"sku"})],
)  # fmt: skip
def test_a_head_that_does_not_fit_is_said_in_line_1(head, columns):
    found = read(head + "a,1,b,c\n")
    assert {one.column for one in found.faults} == columns and {one.line for one in found.faults} == {1}


def test_a_head_alone_and_a_torn_quotation_are_said():
    assert read(HEAD).faults[0].line == 2
    with pytest.raises(RefusedError, match="Line 2"):
        read(HEAD + '"A-1,茶杯\n')
    found = read(HEAD + line().replace("Cup", "Cup, large"))
    assert "cells than columns" in found.faults[0].en
    assert read(HEAD + line().replace("Cup", '"Cup, large\nand round"')).faults[0].column == "title_en"


@pytest.mark.parametrize(("count", "is_taken"), [(rules.LINES_MAX, True), (rules.LINES_MAX + 1, False)])
def test_ten_thousand_lines_and_not_one_more(count, is_taken):
    text = "sku,title_en,price\n" + "".join(f"S{place},x,1\n" for place in range(count))
    if is_taken:
        assert len(read(text).rows) == count
    else:
        with pytest.raises(RefusedError, match="lines"):
            read(text)


def test_more_bytes_than_that_are_not_even_decoded():
    with pytest.raises(RefusedError, match="4 MB"):
        rules.decode(b"x" * (rules.BYTES_MAX + 1))


@pytest.mark.parametrize(
    ("digits", "text", "amount"), [(0, "1200", 1200), (2, "12,5", 1250), (2, "7", 700), (3, "1.234", 1234)]
)
def test_prices_have_the_digits_of_their_currency(digits, text, amount):
    assert read(f"sku;title_en;price\na;b;{text}\n", digits).rows[0]["price_minor"] == amount


@given(some.binary(max_size=300))
def test_any_bytes_are_read_or_refused_with_a_sentence(content):
    try:
        found = rules.read_table(content, 2, [], [])
    except RefusedError:
        return
    assert bool(found.rows) is not bool(found.faults)


@given(some.lists(some.text(max_size=12), min_size=3, max_size=3))
def test_no_cell_that_begins_as_a_formula_ever_comes_through(cells):
    quoted = ",".join('"' + one.replace('"', '""') + '"' for one in cells)
    try:
        found = read(f"sku,title_en,title_zh,price\n{quoted},1\n", encoding="utf-8")
    except (RefusedError, UnicodeEncodeError):
        return
    for row in found.rows:
        assert not any(str(row[name]).startswith(rules.FORMULA_SIGNS) for name in ("sku", "title_en", "title_zh"))


STYLES = "sku,title_en,price,on_hand,pieces,style,size,colour,weight_g\n"


def test_lines_with_one_title_are_the_variants_of_one_listing_each_with_its_stock():
    found = read(STYLES + "S-1,Shirt,10,2,,,S,White,300\nX,Cup,1,4,,,,,\nS-2,Shirt,12,,T-9 T-8,,M,白,\n")
    assert found.faults == []
    small, cup, middle = found.rows
    assert (small["head"], cup["head"], middle["head"]) == (2, 3, 2)
    assert (small["choices"], cup["choices"]) == ({"size": "S", "colour": "White"}, {})
    assert (small["pieces"], middle["pieces"], cup["pieces"]) == (["S-1-1", "S-1-2"], ["T-9", "T-8"], [])
    axes, variants = variants_of([small, middle])
    assert [one["en"] for one in axes] == ["Size", "Colour"]
    assert [(one["sku"], one["price_difference_minor"], one["place"]) for one in variants] == [
        ("S-1", 0, 0), ("S-2", 200, 1),
    ]  # fmt: skip


@pytest.mark.parametrize("words", ["款式", "样式"])
def test_the_columns_of_variants_have_chinese_names_too(words):
    found = read(f"货号,名称,价格,{words},尺码,颜色\nA,衬衫,1,长袖,小,白\nB,衬衫,1,短袖,小,白\n")
    assert found.faults == [] and found.rows[1]["head"] == 2
    assert found.rows[0]["choices"] == {"style": "长袖", "size": "小", "colour": "白"}


@pytest.mark.parametrize(
    ("second", "line", "column", "says"),
    [
        ("B,Shirt,1,1,,,S,White,", 3, "size", "line 2"), ("B,Shirt,1,1,,,S,,", 3, "colour", "line 2"),
        ("B,Shirt,1,1,,,,,", 3, "size", "line 2"), ("B,Shirt,1,1,,,M,White,5", 3, "weight_g", "line 2"),
        (f"B,Shirt,1,1,,,{'x' * 31},White,", 3, "size", "30"), ("B,Shirt,1,201,,,M,White,", 3, "on_hand", "200"),
        ("B,Shirt,1,1,A-1,,M,White,", 3, "pieces", "line 2"), ("B,Shirt,1,1,,,=M,White,", 3, "size", "formula"),
        (f"{'x' * 39},Shirt,1,1,,,M,White,", 3, "pieces", ""),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_variant_is_named_by_line_and_column(second, line, column, says):
    found = read(STYLES + "A,Shirt,1,2,,,S,White,300\n" + second + "\n")
    assert [(one.line, one.column) for one in found.faults] == [(line, column)]
    assert says in found.faults[0].en.lower() and found.faults[0].zh


def test_a_code_that_the_shop_has_is_said_once_and_not_for_each_of_its_pieces():
    found = read(STYLES + "A,Shirt,1,9,,,S,,\n", skus=["A"], codes=[f"A-{number}" for number in range(1, 10)])
    assert [(one.line, one.column) for one in found.faults] == [(2, "sku")]


def test_a_line_without_a_choice_before_one_with_is_said_too():
    found = read(STYLES + "A,Shirt,1,2,,,,,\nB,Shirt,1,1,,,S,,\n")
    assert [(one.line, one.column) for one in found.faults] == [(3, "size")]
    same = read(STYLES + "A,Shirt,1,2,,,,,\nB,Shirt,1,1,,,,,\n")
    assert [one["head"] for one in same.rows] == [2, 3], "without choices they are two listings, as ever"


@pytest.mark.parametrize(("count", "faults"), [(VARIANTS_MAX, 0), (VARIANTS_MAX + 1, 1)])
def test_no_more_variants_than_a_listing_has(count, faults):
    lines = "".join(f"S{place},Shirt,1,1,,,{place},,\n" for place in range(count))
    assert len(read(STYLES + lines).faults) == faults


@pytest.mark.parametrize("name", ["head", "choices", "words", "line", "price_minor", "HEAD", "listing_id"])
def test_no_column_can_bear_a_name_that_is_ours_alone(name):
    found = read(f"sku,title_en,price,{name}\nA-1,Cup,1,x\nA-2,Pot,2,x\n")
    assert found.rows == [] and [one.line for one in found.faults] == [1]
    assert "Unknown column" in found.faults[0].en


def test_what_a_cell_says_is_never_taken_for_the_line_of_a_listing():
    rows = read("sku,title_en,price,style\nhead,Cup,1,1\nA-2,Cup,2,2\n").rows
    assert [(row["head"], row["line"]) for row in rows] == [(2, 2), (2, 3)]
