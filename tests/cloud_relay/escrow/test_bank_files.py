"""References, codes, statements and payment files: pure functions over bytes."""

import random
import xml.etree.ElementTree as ET
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_relay.escrow.bank import epc_code, payment_file, plain_xml, references
from cloud_relay.escrow.bank.matching import Fit, fit
from cloud_relay.escrow.bank.statements import BadStatementError, read_statement
from cloud_relay.settings import LimitSettings
from tests.cloud_relay.escrow.bank_world import HEAD, OWN, SHOPPER_IBAN, line, statement_of


@given(st.binary(min_size=5, max_size=5))
def test_a_reference_is_found_however_it_is_spaced_and_mistyped_ones_are_none(seed):
    reference = references.make_reference(seed)
    assert references.is_reference(reference) and len(reference) == 12
    for text in (reference, references.grouped(reference), f"Order {reference.lower()}, thanks", f"EREF+{reference}X"):
        assert references.references_in(text) == (reference,)
    for place in range(4, 12):
        is_digit = reference[place].isdigit()  # MOD 97-10 finds every slip within digits or letters, nearly all across
        for sign in {one for one in references.ALPHABET if one.isdigit() is is_digit} - {reference[place]}:
            assert references.references_in(reference[:place] + sign + reference[place + 1 :]) == ()


def test_references_of_others_are_checked_as_the_standard_does():
    assert references.is_reference("RF18539007547034"), "the example of ISO 11649"
    assert not references.is_reference("RF19539007547034")
    assert not references.is_reference("RF18")


@pytest.mark.parametrize("iban", [OWN.iban, SHOPPER_IBAN, "de89 3704 0044 0532 0130 00"])
def test_good_ibans_are_taken(iban):
    assert references.clean_iban(iban) == iban.replace(" ", "").upper()


@pytest.mark.parametrize("iban", ["", "DE89370400440532013001", "DE98370400440532013000", "12345", "DE89-3704"])
def test_wrong_ibans_are_refused(iban):
    with pytest.raises(ValueError, match="IBAN"):
        references.clean_iban(iban)


def test_the_banking_code_has_the_lines_of_the_standard():
    text = epc_code.epc_text(
        holder="Vitrine", iban=OWN.iban, bic=OWN.bic, amount_minor=1230, reference="RF18539007547034"
    )
    assert text.split("\n") == [
        "BCD", "002", "1", "SCT", OWN.bic, "Vitrine", OWN.iban, "EUR12.30", "", "RF18539007547034",
    ]  # fmt: skip
    assert len(text.encode()) <= 331
    for amount in (0, epc_code.AMOUNT_MAX + 1):
        with pytest.raises(ValueError, match="amount"):
            epc_code.epc_text(holder="V", iban=OWN.iban, bic="", amount_minor=amount, reference="")


@given(st.integers(1, 10**9), st.integers(0, 10**9), st.integers(1, 10**9))
def test_an_order_gets_its_whole_amount_or_nothing(expected, so_far, amount):
    so_far %= expected
    how, surplus = fit(expected, so_far, amount, is_settled=False)
    assert (how is Fit.SHORT) == (so_far + amount < expected)
    if how is not Fit.SHORT:
        assert so_far + amount - surplus == expected
        assert (surplus == 0) == (how is Fit.EXACT)
    assert fit(expected, so_far, amount, is_settled=True) == (Fit.DOUBLED, amount)


@pytest.mark.parametrize(
    ("text", "minor"),
    [("111.00", 11100), ("111,00", 11100), ("1.234,56", 123456), ("1,234.56", 123456), ("-12,5", -1250), ("7", 700),
     ("12.50-", -1250), ("+3.01", 301), ("1 234,00", 123400)],
)  # fmt: skip
def test_amounts_are_read_as_banks_write_them(text, minor):
    content = "\n".join(["date;amount;text", f"2030-01-02;{text};x"]).encode()
    assert read_statement(content, "EUR", 2).entries[0].amount_minor == minor


@pytest.mark.parametrize(
    ("amounts", "minors"),
    [(["1234.500"], [1_234_500]), (["0.500", "-12.500"], [500, -12_500]), (["12.500,250"], [12_500_250]),
     (["12,500", "7,25"], [12_500, 7_250]), (["12.500", "7,25"], [12_500_000, 7_250]),
     (["12.500", "1.234.567"], [12_500_000, 1_234_567_000]), (["12.5", "1,000.125"], [12_500, 1_000_125])],
)  # fmt: skip
def test_amounts_with_three_decimals_are_read_by_the_sign_that_the_file_shows(amounts, minors):
    content = "\n".join(["date;amount;text", *(f"2030-01-02;{one};x" for one in amounts)]).encode()
    assert [one.amount_minor for one in read_statement(content, "KWD", 3).entries] == minors


@pytest.mark.parametrize("amounts", [["12.500"], ["12,500", "1.000"], ["12.500", "7,25", "0.125"]])
def test_where_a_file_does_not_show_it_twelve_or_twelve_thousand_is_refused(amounts):
    content = "\n".join(["date;amount;text", *(f"2030-01-02;{one};x" for one in amounts)]).encode()
    with pytest.raises(BadStatementError, match=r"line 2.*thousands"):
        read_statement(content, "KWD", 3)


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (b"", "empty"), (b"a,b\n1,2\n", "no column"), (b"date,amount,text\n2030-01-02,abc,x\n", "line 2"),
        (b"date,amount,text\nyesterday,1.00,x\n", "line 2"), (b"date,amount,text\n2030-01-02,1.0010,x\n", "line 2"),
        (b'date,amount,text\n2030-01-02,1.00,"x\n', "CSV"), (b"<a/>", "camt.053"), (b"<a>", "XML"),
    ],
)  # fmt: skip
def test_what_is_unclear_refuses_the_file_and_says_where(content, where):
    with pytest.raises(BadStatementError, match=where):
        read_statement(content, "EUR", 2)


BOMB = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<Document><BkToCstmrStmt><Stmt>&b;</Stmt></BkToCstmrStmt></Document>"""
ELSEWHERE = b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>'


@pytest.mark.parametrize("content", [BOMB, ELSEWHERE, b"<x>" * 100_000])
def test_entity_bombs_files_from_elsewhere_and_endless_depth_are_refused(content):
    with pytest.raises(BadStatementError):
        read_statement(content, "EUR", 2)


def test_text_in_many_pieces_is_joined_once_and_not_with_every_piece():
    root = plain_xml.parse_xml(b"<x>" + b"a<b/>" * 500 + b"</x>")
    assert root.texts == ["a"] * 500
    assert root.text == "a" * 500


def test_more_elements_than_an_upload_of_a_statement_has_are_refused(monkeypatch):
    assert LimitSettings().upload_bytes_max >= plain_xml.ELEMENTS_MAX * 24, "each is a tag or two"
    monkeypatch.setattr(plain_xml, "ELEMENTS_MAX", 100)
    with pytest.raises(plain_xml.BadXmlError, match="too many"):
        plain_xml.parse_xml(b"<x>" + b"<y/>" * 100 + b"</x>")


CAMT = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt>
<Acct><Id><IBAN>DE89370400440532013000</IBAN></Id></Acct>
<Ntry><Amt Ccy="EUR">111.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
 <BookgDt><Dt>2030-01-02</Dt></BookgDt>
 <NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs><RltdPties><Dbtr><Pty><Nm>Ann</Nm></Pty></Dbtr>
 <DbtrAcct><Id><IBAN>GB82WEST12345698765432</IBAN></Id></DbtrAcct></RltdPties>
 <RmtInf><Strd><CdtrRefInf><Ref>RF18539007547034</Ref></CdtrRefInf></Strd></RmtInf></TxDtls></NtryDtls></Ntry>
<Ntry><Amt Ccy="EUR">30.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
 <BookgDt><Dt>2030-01-03</Dt></BookgDt>
 <NtryDtls><TxDtls><Refs><EndToEndId>A</EndToEndId></Refs><Amt Ccy="EUR">10.00</Amt></TxDtls>
 <TxDtls><Refs><EndToEndId>B</EndToEndId></Refs><Amt Ccy="EUR">20.00</Amt></TxDtls></NtryDtls></Ntry>
<Ntry><Amt Ccy="EUR">9.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>PDNG</Cd></Sts>
 <BookgDt><Dt>2030-01-03</Dt></BookgDt></Ntry>
</Stmt></BkToCstmrStmt></Document>"""


def test_camt_is_read_with_batches_taken_apart_and_what_is_only_pending_left_out():
    found = read_statement(CAMT.encode(), "EUR", 2)
    assert found.iban == OWN.iban
    assert [(one.amount_minor, one.end_to_end_id) for one in found.entries] == [(11100, ""), (-1000, "A"), (-2000, "B")]
    first = found.entries[0]
    assert (first.text, first.name, first.iban) == ("RF18539007547034", "Ann", SHOPPER_IBAN)
    with pytest.raises(BadStatementError, match="sum"):
        read_statement(CAMT.replace(">20.00<", ">21.00<").encode(), "EUR", 2)


def test_equal_lines_of_one_day_are_two_entries_and_the_same_ones_again_the_same_two():
    same = line("5.00", "tea", reference=" ")
    first, again = statement_of(same, same), statement_of(same, same, line("6.00", "more"))
    names = [one.content_sha256(OWN.iban) for one in first.entries]
    assert len(set(names)) == 2
    assert [one.content_sha256(OWN.iban) for one in again.entries][:2] == names


@given(st.binary(max_size=400) | st.text(max_size=200).map(lambda text: f"{HEAD}\n{text}".encode()))
def test_whatever_comes_is_read_or_refused(content):
    try:
        read_statement(content, "EUR", 2)
    except BadStatementError:
        return


def test_a_payment_file_has_the_elements_of_the_schema_in_their_order():
    wanted = [
        payment_file.Transfer(
            end_to_end_id=references.make_reference(random.Random(place).randbytes(5)), amount_minor=amount,
            to=payment_file.Account(holder="Fröhlich & <Söhne> 茶", iban=SHOPPER_IBAN), text="RF18 payout",
        )
        for place, amount in enumerate((1, 12_345))
    ]  # fmt: skip
    content = payment_file.payment_file(
        "pmt_1", OWN, wanted, currency="EUR", minor_digits=2, made_at=datetime(2030, 1, 2, 9, tzinfo=UTC),
        pay_on=date(2030, 1, 2),
    )  # fmt: skip
    root = ET.fromstring(content)
    space = f"{{{payment_file.NAMESPACE}}}"
    head, batch = root[0]
    assert [one.tag.removeprefix(space) for one in head] == ["MsgId", "CreDtTm", "NbOfTxs", "CtrlSum", "InitgPty"]
    assert [one.tag.removeprefix(space) for one in batch][:9] == [
        "PmtInfId", "PmtMtd", "NbOfTxs", "CtrlSum", "PmtTpInf", "ReqdExctnDt", "Dbtr", "DbtrAcct", "DbtrAgt",
    ]  # fmt: skip
    assert (head[2].text, head[3].text, batch[2].text, batch[3].text) == ("2", "123.46", "2", "123.46")
    out = batch.findall(f"{space}CdtTrfTxInf")
    assert [one.tag.removeprefix(space) for one in out[0]] == ["PmtId", "Amt", "Cdtr", "CdtrAcct", "RmtInf"]
    assert out[1].find(f"{space}Amt/{space}InstdAmt").text == "123.45"
    assert out[0].find(f"{space}Cdtr/{space}Nm").text == "Fr.hlich . .S.hne. .", "only what every SEPA bank takes"


def test_our_reader_reads_our_own_file():
    content = payment_file.payment_file(
        "pmt_1", OWN, [payment_file.Transfer(end_to_end_id="X", to=OWN, amount_minor=5, text="t")], currency="JPY",
        minor_digits=0, made_at=datetime(2030, 1, 2, tzinfo=UTC), pay_on=date(2030, 1, 2),
    )  # fmt: skip
    root = plain_xml.parse_xml(content)
    assert root.text_at("CstmrCdtTrfInitn", "PmtInf", "CdtTrfTxInf", "Amt", "InstdAmt") == "5"
