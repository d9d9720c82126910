"""What other rooms do when a yes is taken back, and when somebody bought something; filled in cloud_relay/rooms.py.

The rooms that use a shopper's record stand above it, so this one cannot import them.
"""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from cloud_relay.records.uses import Use

Withdrawn = Callable[[Connection, str, datetime], None]
"""`(connection, account_id, now)`: forget at once what is kept about this shopper for this use."""
Purchased = Callable[[Connection, str, str, datetime], None]
"""`(connection, purchase_id, account_id, now)`: a purchase stands on this shopper's record since this moment."""

ON_WITHDRAWN: dict[Use, list[Withdrawn]] = {use: [] for use in Use}
"""Runs in the withdrawal's own transaction, also when an account is erased; running twice must be harmless."""

PURCHASED: list[Purchased] = []
"""Runs in the sale's own transaction, after the row is written; what it raises would undo the sale, so it refuses
nothing and leaves heavy work to a task of its own."""
