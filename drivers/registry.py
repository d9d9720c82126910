"""Finds a driver: `kind` is the folder, `model` the file; turns a table of options into the driver's own dataclass."""

import dataclasses
import importlib
import importlib.util
import math
from typing import Any, get_args, get_origin, get_type_hints

from drivers.base import BadOptionsError, Driver

KINDS = (
    "camera", "pan_tilt", "turntable", "label_printer", "labeller", "packer", "sorter", "scanner", "payment_terminal",
)  # fmt: skip


def find_driver(kind: str, model: str, where: str) -> type[Driver]:
    """Return the driver class of `drivers/<kind>/<model>.py`; `where` (file and device) stands in every error."""
    if kind not in KINDS:
        raise BadOptionsError(f"{where}: kind {kind!r} is none of {', '.join(KINDS)}")
    name = f"drivers.{kind}.{model}"
    if not model.isidentifier() or model.startswith("_") or importlib.util.find_spec(name) is None:
        raise BadOptionsError(f"{where}: there is no model {model!r} of kind {kind}")
    try:
        driver: type[Driver] = importlib.import_module(name).DRIVER
    except ModuleNotFoundError as error:
        raise BadOptionsError(
            f"{where}: model {model} needs the package {error.name!r}, which is not installed"
        ) from None
    return driver


def build_options(driver: type[Driver], table: dict[str, Any], where: str) -> Any:
    """Return the driver's options from a TOML table; unknown, missing and wrong-typed keys are BadOptionsError."""
    hints = get_type_hints(driver.Options)
    fields = {field.name: field for field in dataclasses.fields(driver.Options)}
    for key in table:
        if key not in fields:
            raise BadOptionsError(f"{where}: unknown key {key!r}; known are {', '.join(sorted(fields))}")
    values = {}
    for name, field in fields.items():
        if name in table:
            values[name] = _checked(hints[name], table[name], f"{where}: {name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise BadOptionsError(f"{where}: key {name!r} is missing")
    try:
        return driver.Options(**values)
    except ValueError as error:
        raise BadOptionsError(f"{where}: {error}") from None


def _checked(hint: Any, value: Any, where: str) -> Any:
    """Return the value as the option's type; raise BadOptionsError naming the key."""
    plain = get_origin(hint) or hint
    if plain is tuple and isinstance(value, list):
        return tuple(_checked(get_args(hint)[0], part, where) for part in value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, plain) or (isinstance(value, bool) and plain is not bool):
        raise BadOptionsError(f"{where} must be {getattr(plain, '__name__', plain)}, not {value!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise BadOptionsError(f"{where} must be a finite number, not {value!r}")
    if where.endswith("_s") and value <= 0:
        raise BadOptionsError(f"{where} must be above 0 seconds, not {value!r}")
    return value
