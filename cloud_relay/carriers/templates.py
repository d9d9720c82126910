"""What a generic carrier is sent and answers: a JSON text with {names} to fill in, and dotted paths to read. Pure."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

_NAME = re.compile(r"\{(\w+)\}")
LABEL_BYTES_MAX = 4 * 1024 * 1024
"""A label is a page or a picture of one; more is no label."""
STARTS = {b"%PDF-": "application/pdf", b"\x89PNG\r\n\x1a\n": "image/png"}
"""ISO 32000-1, 7.5.2; PNG (ISO/IEC 15948), 5.2."""


class BadTemplateError(ValueError):
    """A template that cannot be used: the message names it and why."""


def read_template(text: str, names: frozenset[str], where: str) -> Any:
    """Return a template parsed from JSON; BadTemplateError for broken JSON or a {name} that does not exist."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise BadTemplateError(f"{where}: no JSON ({error})") from None
    check_names(text, names, where)
    return found


def check_names(text: str, names: frozenset[str], where: str) -> None:
    """Raise BadTemplateError unless every {name} in a text is one of `names`."""
    unknown = sorted(set(_NAME.findall(text)) - names)
    if unknown:
        raise BadTemplateError(f"{where}: {{{unknown[0]}}} is unknown; known are {', '.join(sorted(names))}")


def fill(template: Any, values: Mapping[str, Any]) -> Any:
    """Return the template with its names filled in; a text that is one name alone takes the value as it is.

    Values become JSON strings, never JSON: nothing that a person typed can change the message's shape.
    """
    if isinstance(template, dict):
        return {key: fill(part, values) for key, part in template.items()}
    if isinstance(template, list):
        return [fill(part, values) for part in template]
    if not isinstance(template, str):
        return template
    alone = _NAME.fullmatch(template)
    return values[alone[1]] if alone else _NAME.sub(lambda found: str(values[found[1]]), template)


def fill_path(template: str, values: Mapping[str, Any]) -> str:
    """Return a path with its names filled in, each escaped as one segment."""
    return _NAME.sub(lambda found: quote(str(values[found[1]]), safe=""), template)


def at_path(answer: Any, path: str) -> Any:
    """Return what stands at a dotted path (`data.0.label`), or None."""
    found = answer
    for name in path.split(".") if path else ():
        if isinstance(found, list) and name.isdigit() and int(name) < len(found):
            found = found[int(name)]
        elif isinstance(found, dict):
            found = found.get(name)
        else:
            return None
    return found


def text_at(answer: Any, path: str, length_max: int = 300) -> str:
    """Return the text at a path without control characters, or nothing; numbers count as texts."""
    found = at_path(answer, path) if path else None
    text = str(found) if isinstance(found, str | int | float) and not isinstance(found, bool) else ""
    return re.sub(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]+", " ", text).strip()[:length_max]


def read_label(text: str) -> tuple[bytes, str]:
    """Return (bytes, media type) of a label in base64; nothing for none. ValueError for what is no PDF or PNG."""
    if not text:
        return b"", ""
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("the label is no base64") from None
    for start, media_type in STARTS.items():
        if content.startswith(start) and len(content) <= LABEL_BYTES_MAX:
            return content, media_type
    raise ValueError(f"the label is neither PDF nor PNG, or larger than {LABEL_BYTES_MAX} bytes")
