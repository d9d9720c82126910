"""Whoever adds a table or a column that names a person says what a shopper gets of it and what erasing does."""

import re

from cloud_relay.records.standing import ELSEWHERE, STANDINGS
from cloud_relay.tables import metadata

PERSON = re.compile(
    r"account_id|shopper_id|asker_id|asked_id|muted_id|member_id|person_id|operator_id|owner_id|principal|actor|email"
    r"|by|\w+_by|by_\w+|\w+_account_id"
)
"""Columns that name a person, or look so; those that only look so stand in ELSEWHERE with their reason."""


def named(tables) -> set[str]:
    return {
        f"{table.name}.{column.name}" for table in tables for column in table.columns if PERSON.fullmatch(column.name)
    }  # fmt: skip


def test_every_column_that_names_a_person_is_given_out_and_erased_or_has_its_reason():
    covered = {f"{one.table.name}.{name}" for one in STANDINGS for name in one.people} | ELSEWHERE.keys()
    found = named(metadata.sorted_tables)
    assert sorted(found - covered) == [], "say in records/standing.py what a shopper gets of it and what erasing does"
    assert sorted(covered - found) == [], "no such column any more, or the pattern above does not know it"


def test_a_new_table_would_be_noticed():
    assert "saved_address.account_id" in named(metadata.sorted_tables)
    assert {"visit.person_id", "owner_talk.asker_id", "idempotency_key.principal"} <= named(metadata.sorted_tables)


def test_every_table_stands_once_and_what_stays_has_its_reason():
    names = [one.table.name for one in STANDINGS]
    assert len(set(names)) == len(names)
    assert [one.table.name for one in STANDINGS if not (one.delete or one.blank or one.why)] == []
    assert [one.table.name for one in STANDINGS if not (one.is_given or one.why)] == []
    assert [one.table.name for one in STANDINGS if one.delete and one.blank] == []
    for one in STANDINGS:
        columns = set(one.table.columns.keys())
        assert {*one.people, *one.hidden, *one.blank} <= columns, one.table.name


def test_a_secret_is_never_given_out():
    secret = re.compile(r"\w*(token|password|pin_|csrf|_key|pass|secret|link|auth|p256dh)\w*")
    plain = {"viewing_booking.place_key", "suggestion_want.goods_key", "notice.link"}
    for one in STANDINGS:
        given = set(one.table.columns.keys()) - {*one.hidden} if one.is_given else set()
        assert not {f"{one.table.name}.{name}" for name in given if secret.fullmatch(name)} - plain
