"""Finds a driver: `kind` is the folder, `model` the file; turns a table of options into the driver's own dataclass."""

import dataclasses
import importlib
import importlib.util
from typing import Any, get_type_hints

from drivers.base import BadOptionsError, Driver

KINDS = ("camera", "pan_tilt", "turntable", "label_printer", "labeller", "packer", "scanner")


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
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    plain = getattr(hint, "__origin__", hint)
    if plain is tuple and isinstance(value, list):
        return tuple(value)
    if not isinstance(value, plain) or (isinstance(value, bool) and plain is not bool):
        raise BadOptionsError(f"{where} must be {getattr(plain, '__name__', plain)}, not {value!r}")
    return value
