"""JSON of frozen dataclasses: strict about types, generous about fields it does not know. Pure."""

import base64
import dataclasses
import enum
import json
import re
import types
from datetime import datetime
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from wire.values import BadValueError, format_time, parse_time

MESSAGE_BYTES_MAX = 256 * 1024
"""Largest payload of the portable MQTT subset; every broker family in use carries it."""

BASE64URL = re.compile(r"[A-Za-z0-9_-]*")

DEPTH_MAX = 12
"""Deepest nesting of any message we define, with room to grow; deeper JSON is somebody's attack."""


_PLAIN = (str, int, float, bool, type(None))
"""What is JSON already, asked first because nearly every field is; subclasses (enums) take the longer way."""


def to_json(value: Any) -> Any:
    """Return the JSON shape of a message, value or container; times as RFC 3339, enums by value, tuples as lists."""
    cls: Any = type(value)
    if cls in _PLAIN:
        return value
    names = _field_names(cls)
    if names is not None:
        return {name: to_json(getattr(value, name)) for name in names}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, (list, tuple)):
        return [to_json(part) for part in value]
    if isinstance(value, dict):
        return {str(name): to_json(part) for name, part in value.items()}
    return value


@cache
def _field_names(cls: type) -> tuple[str, ...] | None:
    return tuple(field.name for field in dataclasses.fields(cls)) if dataclasses.is_dataclass(cls) else None


@cache
def _hints(cls: Any) -> dict[str, Any]:
    return get_type_hints(cls)


def from_json(cls: Any, data: Any, where: str = "") -> Any:
    """Return an instance of `cls` (a dataclass, enum, container or plain type) from its JSON shape.

    Unknown fields are passed over (the wire only grows); a missing field takes its default; a wrong type or a missing
    field without a default raises BadValueError naming the place.
    """
    origin = get_origin(cls)
    if origin in (Union, types.UnionType):
        return _from_union(cls, data, where)
    if origin in (tuple, list):
        return _from_sequence(cls, data, where)
    if origin is dict:
        if not isinstance(data, dict):
            raise BadValueError(f"{where}: must be an object")
        return {name: from_json(get_args(cls)[1], part, f"{where}.{name}") for name, part in data.items()}
    if dataclasses.is_dataclass(cls):
        return _from_object(cls, data, where)
    return _from_plain(cls, data, where)


def _from_union(cls: Any, data: Any, where: str) -> Any:
    if data is None and type(None) in get_args(cls):
        return None
    (inner,) = (part for part in get_args(cls) if part is not type(None))
    return from_json(inner, data, where)


def _from_sequence(cls: Any, data: Any, where: str) -> Any:
    if not isinstance(data, list):
        raise BadValueError(f"{where}: must be a list")
    inner = get_args(cls)[0]
    return get_origin(cls)(from_json(inner, part, f"{where}[{place}]") for place, part in enumerate(data))


def _from_object(cls: Any, data: Any, where: str) -> Any:
    if not isinstance(data, dict):
        raise BadValueError(f"{where or cls.__name__}: must be an object")
    hints, arguments = _hints(cls), {}
    for field in dataclasses.fields(cls):
        place = f"{where}.{field.name}" if where else field.name
        if field.name in data:
            arguments[field.name] = from_json(hints[field.name], data[field.name], place)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise BadValueError(f"{place}: is missing")
    return cls(**arguments)


def _from_plain(cls: Any, data: Any, where: str) -> Any:
    if cls is Any:
        return data
    if cls is datetime and isinstance(data, str):
        return parse_time(data, where)
    if isinstance(cls, type) and issubclass(cls, enum.Enum):
        try:
            return cls(data)
        except ValueError:
            raise BadValueError(f"{where}: {str(data)[:40]!r} is none of {[part.value for part in cls]}") from None
    if cls is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if not isinstance(data, cls) or (isinstance(data, bool) and cls is not bool):
        raise BadValueError(f"{where}: must be {cls.__name__}, not {type(data).__name__}")
    return data


def dump_bytes(value: Any) -> bytes:
    """Return the UTF-8 bytes that go on the wire; raise BadValueError over MESSAGE_BYTES_MAX."""
    payload = json.dumps(to_json(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    if len(payload) > MESSAGE_BYTES_MAX:
        raise BadValueError(f"message: {len(payload)} bytes, at most {MESSAGE_BYTES_MAX} may cross")
    return payload


def load_bytes(payload: bytes) -> Any:
    """Return the JSON of bytes from the wire; raise BadValueError for too large, too deep or malformed ones."""
    if len(payload) > MESSAGE_BYTES_MAX:
        raise BadValueError(f"message: {len(payload)} bytes, at most {MESSAGE_BYTES_MAX} may cross")
    try:
        data = json.loads(payload.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadValueError(f"message: not JSON ({str(error)[:80]})") from None
    if _depth(data) > DEPTH_MAX:
        raise BadValueError(f"message: nested deeper than {DEPTH_MAX}")
    return data


def _refuse_constant(name: str) -> float:
    raise BadValueError(f"message: {name} is not JSON")


def _depth(data: Any) -> int:
    level, deepest = [data], 0
    while level and deepest <= DEPTH_MAX:
        deepest += 1
        parts = (part.values() if isinstance(part, dict) else part for part in level if isinstance(part, (dict, list)))
        level = [part for group in parts for part in group]
    return deepest


def to_base64url(raw: bytes) -> str:
    """Return unpadded base64url (RFC 4648 section 5)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_base64url(text: str, field: str) -> bytes:
    """Return the bytes of unpadded base64url; raise BadValueError for anything else."""
    if not BASE64URL.fullmatch(text) or len(text) % 4 == 1:
        raise BadValueError(f"{field}: not base64url")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
