"""The text of the QR code that a banking app fills its form from: EPC069-12, version 002. Pure."""

NAME_MAX = 70
AMOUNT_MAX = 99_999_999_999
"""999 999 999.99 EUR in cents (EPC069-12, table 2)."""


def epc_text(*, holder: str, iban: str, bic: str, amount_minor: int, reference: str) -> str:
    """Return the lines of EPC069-12, table 2, for a SEPA credit transfer in EUR with a structured reference.

    ValueError for an amount that such a code cannot carry.
    """
    if not 0 < amount_minor <= AMOUNT_MAX:
        raise ValueError(f"amount {amount_minor}: such a code carries 0.01 to 999999999.99 EUR")
    amount = f"EUR{amount_minor // 100}.{amount_minor % 100:02d}"
    # service tag, version, character set 1 = UTF-8, identification, BIC, name, IBAN, amount, purpose, reference
    return "\n".join(["BCD", "002", "1", "SCT", bic, holder[:NAME_MAX], iban, amount, "", reference])
