"""What is forgotten at once when somebody takes their consent back, or is erased."""

from datetime import datetime

from sqlalchemy import Connection

from cloud_relay.owners import store
from cloud_relay.owners.rules import Deed
from cloud_relay.owners.talking import move


def withdrawn(connection: Connection, account_id: str, now: datetime) -> None:
    """Take somebody off every list and end the talks into which they were asked; what they ask themselves goes on.

    A question that they did not answer yet is declined, so that its asker sees silence and no more.
    """
    store.take_off_lists(connection, account_id)
    for row in store.talks_with(connection, account_id):
        if row["asked_id"] == account_id:
            move(connection, row, Deed.FORGET_ASKED, now)


def erase(connection: Connection, account_id: str, now: datetime) -> None:
    """As `withdrawn`, and forget what they asked and every word that they wrote."""
    withdrawn(connection, account_id, now)
    for row in store.talks_with(connection, account_id):
        if row["asker_id"] == account_id:
            move(connection, row, Deed.FORGET_ASKER, now)
    store.delete_lists(connection, store.lists_made_by(connection, account_id))
    store.blank_messages(connection, account_id)
