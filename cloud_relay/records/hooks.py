"""What other rooms do when a yes is given or taken back, and when a record changes; filled in cloud_relay/rooms.py.

The rooms that use a shopper's record stand above it, so this one cannot import them.
"""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from cloud_relay.records.uses import Use

Heard = Callable[[Connection, str, datetime], None]
"""`(connection, account_id, now)`, in the transaction of what happened."""
Purchased = Callable[[Connection, str, str, datetime], None]
"""`(connection, purchase_id, account_id, now)`: a purchase stands on this shopper's record since this moment."""

ON_GIVEN: dict[Use, list[Heard]] = {use: [] for use in Use}
"""A yes was given: what stands in the record may be used from now on."""

ON_WITHDRAWN: dict[Use, list[Heard]] = {use: [] for use in Use}
"""Forget at once what is kept about this shopper for this use; also when an account is erased. Running it twice must
be harmless."""

CHANGED: list[Heard] = []
"""A shopper's profile or wishes are others now."""

PURCHASED: list[Purchased] = []
"""Runs in the sale's own transaction, after the row is written; what it raises would undo the sale, so it refuses
nothing and leaves heavy work to a task of its own."""

ON_ERASED: list[Heard] = []
"""An account ends, after ON_WITHDRAWN of every use and before `standing` is carried out: what must be ended by the
room's own rules (a talk, a place in a group)."""
