"""Every message crosses unchanged, old samples decode for ever, and damage is named."""

import dataclasses
import enum
import json
import types
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wire import commands, reports
from wire.codec import (
    DEPTH_MAX,
    MESSAGE_BYTES_MAX,
    dump_bytes,
    from_base64url,
    from_json,
    load_bytes,
    to_base64url,
    to_json,
)
from wire.plan import Text
from wire.values import BadValueError

SAMPLES = Path(__file__).parent / "samples" / "v1"
MESSAGES: dict[str, type] = {**commands.COMMANDS, **reports.REPORTS, "Ack": reports.Ack, "ShopPresence":
reports.ShopPresence,
                             "DeviceState": reports.DeviceState}  # fmt: skip
JSON_VALUES = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=3)
MOMENTS = st.datetimes(timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return st.one_of(*(st.none() if part is type(None) else values_of(part) for part in arguments))
    if origin is tuple:
        return st.lists(values_of(arguments[0]), max_size=2).map(tuple)
    if origin is dict:
        return JSON_VALUES
    if dataclasses.is_dataclass(hint):
        return messages_of(hint)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return st.sampled_from(hint)
    plain = {str: st.text(max_size=20), int: st.integers(), bool: st.booleans(), datetime: MOMENTS,
             float: st.floats(allow_nan=False, allow_infinity=False)}  # fmt: skip
    return plain[hint]


def messages_of(cls: type) -> st.SearchStrategy[Any]:
    hints = get_type_hints(cls)
    return st.builds(cls, **{field.name: values_of(hints[field.name]) for field in dataclasses.fields(cls)})


@pytest.mark.parametrize("name", sorted(MESSAGES))
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_every_message_crosses_unchanged(name, data):
    message = data.draw(messages_of(MESSAGES[name]))
    assert from_json(MESSAGES[name], load_bytes(dump_bytes(message))) == message


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_frozen_samples_decode_for_ever(name):
    sample = SAMPLES / f"{name}.json"
    assert sample.exists(), f"write the first sample of {name}; it may never change afterwards"
    decoded = from_json(MESSAGES[name], json.loads(sample.read_text()))
    assert isinstance(decoded, MESSAGES[name])


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_a_newer_peers_field_is_passed_over_and_a_missing_one_named(name):
    sample = json.loads((SAMPLES / f"{name}.json").read_text())
    assert from_json(MESSAGES[name], {**sample, "field_of_tomorrow": 1}) == from_json(MESSAGES[name], sample)
    needed = [f.name for f in dataclasses.fields(MESSAGES[name])
              if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING]  # fmt: skip
    for field in needed:
        with pytest.raises(BadValueError, match=f"{field}: is missing"):
            from_json(MESSAGES[name], {key: value for key, value in sample.items() if key != field})


def test_decoding_goes_by_the_type_name():
    note = commands.NoteForShop(note="hello")
    assert commands.decode_command("NoteForShop", commands.encode_command(note)) == note
    applied = reports.PlanApplied(version=3)
    assert reports.decode_report("PlanApplied", reports.encode_report(applied)) == applied
    with pytest.raises(KeyError):
        commands.decode_command("LaunchRocket", {})
    with pytest.raises(KeyError):
        reports.decode_report("LaunchRocket", {})


@pytest.mark.parametrize(
    ("cls", "data", "words"),
    [
        (Text, [], "object"),
        (Text, {"en": 1}, "en: must be str, not int"),
        (reports.PlanApplied, {"version": True}, "version: must be int, not bool"),
        (reports.PlanApplied, {"version": 1.5}, "version: must be int"),
        (reports.Ack, {"state": "perhaps"}, "command_id"),
        (reports.AckState, "perhaps", "none of"),
        (tuple[str, ...], "abc", "must be a list"),
        (dict[str, Any], [], "must be an object"),
        (datetime, "2026-01-01T00:00:00", "no time zone"),
    ],
)
def test_wrong_shapes_are_named(cls, data, words):
    with pytest.raises(BadValueError, match=words):
        from_json(cls, data, "")


def test_whole_numbers_are_fine_where_a_float_is_meant():
    assert from_json(float, 3, "x") == 3.0
    assert to_json({"a": [1, (2,)]}) == {"a": [1, [2]]}


def test_bytes_from_the_wire_are_bounded():
    assert load_bytes(b'{"a":[1]}') == {"a": [1]}
    for bad in (b"{", b"\xff\xfe", b'{"a":NaN}', b"[" * 100_000, b'"' + b"x" * MESSAGE_BYTES_MAX + b'"'):
        with pytest.raises(BadValueError, match="message"):
            load_bytes(bad)
    with pytest.raises(BadValueError, match="deeper"):
        load_bytes(("[" * (DEPTH_MAX + 1) + "]" * (DEPTH_MAX + 1)).encode())
    assert load_bytes(("[" * DEPTH_MAX + "]" * DEPTH_MAX).encode())
    with pytest.raises(BadValueError, match="may cross"):
        dump_bytes("x" * MESSAGE_BYTES_MAX)


@given(st.binary(max_size=100))
def test_base64url_crosses(raw):
    assert from_base64url(to_base64url(raw), "x") == raw


@pytest.mark.parametrize("bad", ["a", "a+b=", "ab c", "é"])
def test_what_is_not_base64url_is_refused(bad):
    with pytest.raises(BadValueError, match="x: not base64url"):
        from_base64url(bad, "x")


@pytest.mark.parametrize("language", ["zh", "zh-Hans", "en", "de"])
def test_text_falls_back_to_the_other_language(language):
    assert Text(en="pot", zh="壶")[language] == ("壶" if language.startswith("zh") else "pot")
    assert Text(en="pot")[language] == "pot"
    assert Text(zh="壶")[language] == "壶"
