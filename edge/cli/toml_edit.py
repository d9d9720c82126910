"""Changes single options in a shop's TOML file: comments, order and all else stay as the technician wrote them."""

import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

Value = bool | int | float | str


class EditFailedError(Exception):
    """The file cannot be changed; the message says why and what to do."""


def set_options(text: str, section: str, options: Mapping[str, Value]) -> str:
    """Return the text with these keys of `[section]` set; a commented-out default is taken into use.

    Raises EditFailedError when the section is not written as a header of its own.
    """
    lines = text.splitlines()
    header = re.compile(rf"^\s*\[\s*{re.escape(section)}\s*\]\s*(#.*)?$")
    begin = next((number for number, line in enumerate(lines) if header.match(line)), None)
    if begin is None:
        raise EditFailedError(f"there is no line [{section}] in the file; write the options there by hand")
    for key, value in options.items():
        _set(lines, begin, key, value)
    return "\n".join(lines) + "\n"


def _set(lines: list[str], begin: int, key: str, value: Value) -> None:
    end = next((n for n in range(begin + 1, len(lines)) if re.match(r"^\s*\[", lines[n])), len(lines))
    found = None
    for number in range(begin + 1, end):
        match = re.match(rf"^\s*(#\s*)?{re.escape(key)}\s*=\s*[^#]*?(\s+#.*)?$", lines[number])
        if match and (found is None or not match[1]):
            found = number, match[2] or ""
    line = f"{key} = {json.dumps(value)}"
    if found is not None:
        lines[found[0]] = line + found[1]
        return
    while end > begin + 1 and not lines[end - 1].strip():
        end -= 1
    while end > begin + 1 and lines[end - 1].lstrip().startswith("#") and "=" not in lines[end - 1]:
        end -= 1  # a comment above the next section belongs to that one
    lines.insert(end, line)


def change_file(path: Path, section: str, options: Mapping[str, Value]) -> None:
    """Set options in the file; it is replaced whole, and only by one that still can be used. Raises EditFailedError."""
    from edge.config import BadConfigError, load_config

    partial = path.with_name(f".{path.name}.part")
    try:
        changed = set_options(path.read_text(encoding="utf-8"), section, options)
        tomllib.loads(changed)
        mode = path.stat()
        partial.write_text(changed, encoding="utf-8")
        partial.chmod(mode.st_mode & 0o777)
        if os.geteuid() == 0:
            os.chown(partial, mode.st_uid, mode.st_gid)
        load_config(partial)
        partial.replace(path)
    except OSError as error:
        raise EditFailedError(f"{path}: cannot be changed: {error.strerror}; run the command with sudo") from None
    except tomllib.TOMLDecodeError as error:
        raise EditFailedError(f"{path}: is not TOML: {error}") from None
    except BadConfigError as error:
        words = "\n".join(error.problems).replace(str(partial), str(path))
        raise EditFailedError(f"{words}\n  nothing was changed") from None
    finally:
        if partial.exists():
            partial.unlink()
