"""Numbers of people and companies, judged by their form and check digit before anybody looks at a document. Pure."""

import re
from datetime import date

from cloud_relay.refusals import RefusedError

PERSON, COMPANY = "person", "company"
KINDS = (PERSON, COMPANY)

RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
"""GB 11643-1999, 4.4: 2^(place − 1) mod 11, place counted from the right."""
RESIDENT_CHECKS = "10X98765432"
"""GB 11643-1999, 4.4 (ISO 7064 MOD 11-2): the check character for each remainder of the weighted sum."""
CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""GB 32100-2015, 5.1: digits and letters without I, O, S, V and Z; a character's place is its value."""
CREDIT_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
"""GB 32100-2015, 5.2: 3^(place − 1) mod 31."""
AGE_MIN = 18
"""Who may trade on their own: civil codes of the markets that we know agree on it."""

VAT_FORMS = {
    "AT": r"U\d{8}", "BE": r"[01]\d{9}", "BG": r"\d{9,10}", "CY": r"\d{8}[A-Z]", "CZ": r"\d{8,10}", "DE": r"\d{9}",
    "DK": r"\d{8}", "EE": r"\d{9}", "GR": r"\d{9}", "ES": r"(?:[A-Z]\d{7}[A-Z0-9]|\d{8}[A-Z])", "FI": r"\d{8}",
    "FR": r"[A-HJ-NP-Z0-9]{2}\d{9}", "HR": r"\d{11}", "HU": r"\d{8}", "IE": r"\d(?:\d{6}[A-W][A-I]?|[A-Z+*]\d{5}[A-W])",
    "IT": r"\d{11}", "LT": r"(?:\d{9}|\d{12})", "LU": r"\d{8}", "LV": r"\d{11}", "MT": r"\d{8}", "NL": r"\d{9}B\d{2}",
    "PL": r"\d{10}", "PT": r"\d{9}", "RO": r"\d{2,10}", "SE": r"\d{10}01", "SI": r"\d{8}", "SK": r"\d{10}",
}  # fmt: skip
"""By ISO 3166 country, without the prefix: the European Commission's VIES questions and answers, question 11."""
VAT_PREFIXES = {"GR": "EL"}
"""Where the VAT prefix is not the country's ISO code."""
OTHER_FORM = re.compile(r"[0-9A-Z][0-9A-Z./ -]{2,28}[0-9A-Z]")
"""Register and identity numbers of which we know no check digit: the operator compares them with the document."""


def _refused(en: str, zh: str) -> RefusedError:
    return RefusedError("bad_number", en, zh, 422)


def clean_number(text: str, kind: str, country: str, today: date) -> str:
    """Return an identity or company number as it is compared; RefusedError says which form or digit is wrong.

    A Chinese resident's number by GB 11643, a Chinese company's by GB 32100, an EU company's VAT number by its
    country's form; other numbers only by length and characters.
    """
    number = re.sub(r"\s+", "", text).upper()
    if country == "CN":
        return _resident(number, today) if kind == PERSON else _credit_code(number)
    if kind == COMPANY and country in VAT_FORMS:
        return _vat(number, country)
    if not OTHER_FORM.fullmatch(number):
        raise _refused("The number has 4 to 30 letters and digits", "号码应为 4 至 30 位字母或数字")
    return number


def resident_check(first: str) -> str:
    """Return the check character of a resident's first 17 digits (GB 11643-1999, 4.4)."""
    total = sum(int(digit) * weight for digit, weight in zip(first, RESIDENT_WEIGHTS, strict=True))
    return RESIDENT_CHECKS[total % 11]


def credit_check(first: str) -> str:
    """Return the check character of a credit code's first 17 characters (GB 32100-2015, 5.2)."""
    total = sum(CREDIT_ALPHABET.index(one) * weight for one, weight in zip(first, CREDIT_WEIGHTS, strict=True))
    return CREDIT_ALPHABET[-total % 31]


def _resident(number: str, today: date) -> str:
    if not re.fullmatch(r"[1-9]\d{16}[\dX]", number, re.ASCII):
        raise _refused("A resident identity number has 17 digits and a last digit or X", "居民身份证号应为 18 位")
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise _refused("Digits 7 to 14 are no date of birth", "身份证号第 7 至 14 位不是有效的出生日期") from None
    if resident_check(number[:17]) != number[17]:
        raise _refused("The check digit does not fit: please compare the number", "身份证号校验码不符，请核对")
    if (today.year - born.year) - ((today.month, today.day) < (born.month, born.day)) < AGE_MIN:
        raise _refused(f"Merchants are at least {AGE_MIN} years old", f"商户须年满 {AGE_MIN} 周岁")
    return number


def _credit_code(number: str) -> str:
    if len(number) != 18 or any(one not in CREDIT_ALPHABET for one in number):
        raise _refused(
            "A unified social credit code has 18 digits and letters, without I, O, S, V and Z",
            "统一社会信用代码应为 18 位，不含字母 I、O、S、V、Z",
        )
    if credit_check(number[:17]) != number[17]:
        raise _refused("The check digit does not fit: please compare the code", "统一社会信用代码校验位不符，请核对")
    return number


def _vat(number: str, country: str) -> str:
    prefix = VAT_PREFIXES.get(country, country)
    rest = re.sub(r"[.-]", "", number).removeprefix(prefix)
    if not re.fullmatch(VAT_FORMS[country], rest, re.ASCII):
        raise _refused(
            f"This is not the form of a VAT number of {country} ({prefix}…): please compare it",
            f"不符合 {country} 的增值税号格式（{prefix}……），请核对",
        )
    return prefix + rest


def ending(number: str) -> str:
    """Return what is shown of a number to whoever need not read it all."""
    return "…" + number[-4:]
