"""The relay's metadata and the columns that its tables are made of, alike on SQLite and PostgreSQL."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    MetaData,
    String,
    Text,
)
from sqlalchemy.types import TypeDecorator

from wire.values import format_time, parse_time

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Moment(TypeDecorator[datetime]):
    """An aware UTC time as 24 characters of RFC 3339: sorts as text, reads the same on both databases."""

    impl = String(24)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """To the database."""
        return None if value is None else format_time(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """From the database."""
        return None if value is None else parse_time(value)


def id_(name: str, *args: Any, **options: Any) -> Column[str]:
    """An id that points to a row here or at a shop."""
    return Column(name, String(64), *args, **options)


def key(name: str) -> Column[str]:
    """The id that names a row."""
    return Column(name, String(64), primary_key=True)


def sha256(name: str, **options: Any) -> Column[str]:
    """A hash in hex, 64 characters."""
    return Column(name, String(64), **options)


def minor(name: str, **options: Any) -> Column[int]:
    """An amount in minor units, up to 2^63 − 1."""
    return Column(name, BigInteger, nullable=False, **options)


def moment(name: str, *, nullable: bool = True, **options: Any) -> Column[datetime]:
    """A time."""
    return Column(name, Moment, nullable=nullable, **options)


def text(name: str, default: str = "") -> Column[str]:
    """A text, empty when there is none."""
    return Column(name, Text, nullable=False, default=default, server_default=default)


def flag(name: str, *, default: bool = False) -> Column[bool]:
    """Yes or no."""
    return Column(name, Boolean, nullable=False, default=default)
