"""A bank account for tests: our own, statements as a bank would write them, and a desk that tells orders."""

import itertools
import random

from cloud_relay.escrow.bank import service
from cloud_relay.escrow.bank.payment_file import Account
from cloud_relay.escrow.bank.routes import teller
from cloud_relay.escrow.bank.service import Desk
from cloud_relay.escrow.bank.statements import read_statement

OWN = Account(holder="Vitrine Market", iban="DE89370400440532013000", bic="COBADEFFXXX")
SHOPPER_IBAN = "GB82WEST12345698765432"
MERCHANT_IBAN = "FR1420041010050500013M02606"
HEAD = "date;amount;currency;text;name;iban;bank reference"

_numbers = itertools.count(1)


def chance(seed=7):
    return random.Random(seed).randbytes


def line(amount, text, *, name="Ann", iban=SHOPPER_IBAN, day="2030-01-02", reference="", currency="CNY"):
    """Return a CSV line of a statement; each has a bank's reference of its own unless one is given."""
    return f"{day};{amount};{currency};{text};{name};{iban};{reference or f'B{next(_numbers)}'}"


def statement_of(*lines):
    return read_statement("\n".join([HEAD, *lines]).encode(), "CNY", 2)


def desk(now, tell, seed=None):
    return Desk(own=OWN, currency="CNY", minor_digits=2, now=now, tell=tell, random=chance(seed))


def desk_of(world):
    return desk(world.now, teller(world.trade, world.now))


def imported(world, *lines):
    """Take a statement with these lines in, as the operator does."""
    return world.database.run_now(service.take_statement, desk_of(world), statement_of(*lines), "s.csv", "olga")


def decided(world, entry_id, deed, **values):
    return world.database.run_now(service.decide, desk_of(world), entry_id, deed, "olga", **values)
