"""Ways to pay without a device: the codes that a shopper scans."""

import pytest

from drivers.payment_terminal import PaymentAsk
from drivers.payment_terminal.cash import CashDrawer, CashOptions
from drivers.payment_terminal.qr import QrOptions, QrPayment, is_iban

IBAN = "DE89 3704 0044 0532 0130 00"
"""The example of the IBAN registry (ISO 13616)."""


def test_an_epc_code_has_the_guidelines_lines():
    qr = QrPayment(QrOptions(scheme="epc", name="Teehaus Wang", iban=IBAN))
    ask = PaymentAsk(amount_minor=1205, currency="EUR", reference="sale_7")
    lines = qr.code_to_show(ask).split("\n")
    assert lines == [
        "BCD", "002", "1", "SCT", "", "Teehaus Wang", "DE89370400440532013000", "EUR12.05", "", "", "sale_7",
    ]  # fmt: skip


def test_an_epc_code_asks_for_euro_only():
    qr = QrPayment(QrOptions(scheme="epc", name="Teehaus", iban=IBAN))
    with pytest.raises(ValueError, match="euro"):
        qr.code_to_show(PaymentAsk(amount_minor=1, currency="CNY", reference="s"))


def test_a_wallets_text_is_filled_in_with_the_currencys_digits():
    qr = QrPayment(QrOptions(text="https://pay.example/?a={amount}&c={currency}&r={reference}", digits=0))
    ask = PaymentAsk(amount_minor=500, currency="JPY", reference="sale_{amount}")
    assert qr.code_to_show(ask) == "https://pay.example/?a=500&c=JPY&r=sale_{amount}"


@pytest.mark.parametrize("iban", ["DE89370400440532013001", "DE8937040044053201300", "", "XX", "DE00"])
def test_a_wrong_iban_is_refused(iban):
    assert not is_iban(iban)
    with pytest.raises(ValueError, match="iban"):
        QrOptions(scheme="epc", name="x", iban=iban)


def test_cash_is_taken_by_a_person():
    assert CashDrawer(CashOptions()).by_hand
    assert CashDrawer.way == "cash"
