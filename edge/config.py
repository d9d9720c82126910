"""The technician's TOML as frozen dataclasses; every error names file, key and reason, and all are told at once."""

import dataclasses
import ipaddress
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import urlsplit

from drivers.base import BadOptionsError, Driver
from drivers.registry import build_options, find_driver
from edge.viewing.rungs import SMALL_BPS
from edge.viewing.uplink import UPLINK_MBIT_S, VIEWERS_MAX
from wire.values import BadValueError, check_id

LANGUAGES = ("en", "zh")
UPLINK_MBIT_S_MAX = 10_000.0
"""More is a slip of the pen: no shop has it."""

BENCH_KINDS = {
    "camera": "camera",
    "printer": "label_printer",
    "labeller": "labeller",
    "packer": "packer",
    "sorter": "sorter",
    "scanner": "scanner",
}


class BadConfigError(Exception):
    """The file cannot be used; `problems` are lines of `file: key: reason`, one for each thing to mend."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopConfig:
    """`data_dir` holds journal, key and pictures; a relative one counts from the file. `id` empty: as enrolled."""

    data_dir: Path
    id: str = ""
    language: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayConfig:
    """Where the relay is; what is left out is as told at enrolment. `mqtt_protocol` is 5, or 4 for MQTT 3.1.1."""

    mqtt_host: str = ""
    mqtt_port: int = 0
    mqtt_protocol: int = 5
    https_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceConfig:
    """One device: its driver class and that driver's own options, already checked."""

    name: str
    kind: str
    model: str
    driver: type[Driver]
    options: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewingConfig:
    """A viewing place, named like its camera; `head` and `turntable` are device names, empty where there is none."""

    camera: str = ""
    head: str = ""
    turntable: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchConfig:
    """Which devices make up the bench; camera and printer must be there, the work of any other can be a person's."""

    camera: str
    printer: str
    labeller: str = ""
    packer: str = ""
    sorter: str = ""
    scanner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterConfig:
    """The till at http://127.0.0.1:<attendant.port>/till. `payment` names payment terminals in the order of their keys
    on the page (empty: no till); `printer` prints receipts, `scanner` is the till's own; either may be left out.
    """

    payment: tuple[str, ...] = ()
    printer: str = ""
    scanner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttendantConfig:
    """The page of the person at the bench, on 127.0.0.1 only; `pin` is 4 to 12 digits."""

    port: int = 8321
    pin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebRtcConfig:
    """`addresses` are the only ones offered to browsers (ICE host candidates); empty offers every one of the box.

    `uplink_mbit_s` is what live pictures of all cameras may take of the shop's uplink; `viewers_max` the most who watch
    one camera directly.
    """

    addresses: tuple[str, ...] = ()
    uplink_mbit_s: float = UPLINK_MBIT_S
    viewers_max: int = VIEWERS_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeConfig:
    """Everything a technician says about one shop box."""

    path: Path
    shop: ShopConfig
    relay: RelayConfig
    attendant: AttendantConfig
    bench: BenchConfig
    webrtc: WebRtcConfig
    counter: CounterConfig = CounterConfig()
    devices: dict[str, DeviceConfig] = field(default_factory=dict)
    viewing: dict[str, ViewingConfig] = field(default_factory=dict)


SECTIONS: dict[str, type[Any]] = {
    "shop": ShopConfig,
    "relay": RelayConfig,
    "bench": BenchConfig,
    "attendant": AttendantConfig,
    "webrtc": WebRtcConfig,
    "counter": CounterConfig,
}


def load_config(path: Path) -> EdgeConfig:
    """Return the configuration in `path`; raise BadConfigError with every problem found."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfigError([f"{path}: is not TOML: {error}"]) from None
    return _Reader(path).read(tables)


class _Reader:
    """Reads one file and remembers everything wrong with it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._problems: list[str] = []

    def read(self, tables: dict[str, Any]) -> EdgeConfig:
        for name in tables:
            if name not in (*SECTIONS, "device", "viewing"):
                self._refuse(name, f"unknown section; known are {', '.join((*SECTIONS, 'device', 'viewing'))}")
        sections = {name: self._section(name, cls, tables.get(name, {})) for name, cls in SECTIONS.items()}
        devices = {name: self._device(name, table) for name, table in self._tables(tables, "device").items()}
        viewing = {
            name: self._section(f"viewing.{name}", ViewingConfig, {"camera": name, **table})
            for name, table in self._tables(tables, "viewing").items()
        }
        if self._problems:
            raise BadConfigError(self._problems)
        known = {name: device for name, device in devices.items() if device is not None}
        config = EdgeConfig(path=self._path, devices=known, viewing=viewing, **sections)
        self._check(config)
        if self._problems:
            raise BadConfigError(self._problems)
        shop = dataclasses.replace(config.shop, data_dir=(self._path.parent / config.shop.data_dir).absolute())
        return dataclasses.replace(config, shop=shop)

    def _refuse(self, key: str, reason: str) -> None:
        self._problems.append(f"{self._path}: {key}: {reason}")

    def _tables(self, tables: dict[str, Any], name: str) -> dict[str, dict[str, Any]]:
        part = tables.get(name, {})
        good: dict[str, dict[str, Any]] = {}
        if not isinstance(part, dict):
            self._refuse(name, f"must be made of sections [{name}.<name>]")
            return good
        for inner, table in part.items():
            if isinstance(table, dict):
                good[inner] = table
            else:
                self._refuse(f"{name}.{inner}", f"is no section; write [{name}.<name>]")
        return good

    def _section(self, name: str, cls: type[Any], table: Any) -> Any:
        if not isinstance(table, dict):
            self._refuse(name, f"must be a section [{name}]")
            return None
        hints, fields = get_type_hints(cls), {part.name: part for part in dataclasses.fields(cls)}
        values: dict[str, Any] = {}
        for key in table:
            if key not in fields:
                self._refuse(f"{name}.{key}", f"unknown key; known are {', '.join(sorted(fields))}")
        for key, part in fields.items():
            if key in table:
                values[key] = self._value(f"{name}.{key}", hints[key], table[key])
            elif part.default is dataclasses.MISSING and part.default_factory is dataclasses.MISSING:
                self._refuse(f"{name}.{key}", "is missing")
                values[key] = None
        return cls(**values)

    def _value(self, key: str, hint: Any, value: Any) -> Any:
        if hint is Path and isinstance(value, str) and value:
            return Path(value)
        if hint is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if getattr(hint, "__origin__", None) is tuple:
            if isinstance(value, list) and all(isinstance(part, str) for part in value):
                return tuple(value)
            self._refuse(key, f"must be a list of texts, not {value!r}")
        elif not isinstance(value, hint) or isinstance(value, bool):
            self._refuse(key, f"must be {'a path' if hint is Path else hint.__name__}, not {value!r}")
        return value

    def _device(self, name: str, table: dict[str, Any]) -> DeviceConfig | None:
        where = f"{self._path}: device.{name}"
        kind, model = table.get("kind"), table.get("model")
        if not isinstance(kind, str) or not isinstance(model, str):
            self._refuse(f"device.{name}", "needs kind and model")
            return None
        options = {key: value for key, value in table.items() if key not in ("kind", "model")}
        try:
            check_id(name, "name")
            driver = find_driver(kind, model, where)
            return DeviceConfig(
                name=name, kind=kind, model=model, driver=driver, options=build_options(driver, options, where)
            )
        except BadOptionsError as error:
            self._problems.append(str(error))
        except BadValueError as error:
            self._refuse(f"device.{name}", str(error))
        return None

    def _check(self, config: EdgeConfig) -> None:
        self._check_values(config)
        for name, place in config.viewing.items():
            if place.camera != name:
                self._refuse(f"viewing.{name}.camera", f"a viewing place is named like its camera: {name!r}")
            self._wants(config, f"viewing.{name}.camera", place.camera, "camera")
            self._wants(config, f"viewing.{name}.head", place.head, "pan_tilt")
            self._wants(config, f"viewing.{name}.turntable", place.turntable, "turntable")
        for key, kind in BENCH_KINDS.items():
            self._wants(config, f"bench.{key}", getattr(config.bench, key), kind)

        self._check_counter(config)

    def _check_counter(self, config: EdgeConfig) -> None:
        own, bench = config.counter, config.bench
        for name in own.payment:
            self._wants(config, "counter.payment", name, "payment_terminal")
        self._wants(config, "counter.printer", own.printer, "label_printer")
        self._wants(config, "counter.scanner", own.scanner, "scanner")
        robot = config.devices.get(bench.labeller)
        if own.printer and own.printer == bench.printer and robot is not None and not robot.driver.by_hand:
            self._refuse("counter.printer", f"device {own.printer} feeds the labeller; receipts need another printer")
        if own.scanner and own.scanner == bench.scanner:
            self._refuse(
                "counter.scanner", f"device {own.scanner} is the bench's; type codes, or give the till its own"
            )

    def _wants(self, config: EdgeConfig, key: str, name: str, kind: str) -> None:
        if not name:
            return
        device = config.devices.get(name)
        if device is None:
            self._refuse(key, f"there is no [device.{name}]")
        elif device.kind != kind:
            self._refuse(key, f"device {name} is a {device.kind}, and a {kind} is needed")

    def _check_values(self, config: EdgeConfig) -> None:
        if config.shop.language not in LANGUAGES:
            self._refuse("shop.language", f"must be one of {', '.join(LANGUAGES)}")
        if config.shop.id:
            try:
                check_id(config.shop.id, "shop.id")
            except BadValueError as error:
                self._refuse("shop.id", str(error))
        if config.relay.mqtt_protocol not in (4, 5):
            self._refuse("relay.mqtt_protocol", "must be 5, or 4 for MQTT 3.1.1")
        if config.relay.https_url and urlsplit(config.relay.https_url).scheme != "https":
            self._refuse("relay.https_url", "must begin with https://")
        for key, port in (("relay.mqtt_port", config.relay.mqtt_port), ("attendant.port", config.attendant.port)):
            if not 0 <= port <= 65535:
                self._refuse(key, f"{port} is no port (0 to 65535)")
        pin = config.attendant.pin
        if not (pin.isascii() and pin.isdigit() and 4 <= len(pin) <= 12):
            self._refuse("attendant.pin", "must be 4 to 12 digits in quotes")
        self._check_webrtc(config.webrtc)

    def _check_webrtc(self, webrtc: WebRtcConfig) -> None:
        for address in webrtc.addresses:
            if not _is_address(address):
                self._refuse("webrtc.addresses", f"{address!r} is no IP address")
        if not SMALL_BPS / 1e6 <= webrtc.uplink_mbit_s <= UPLINK_MBIT_S_MAX:
            words = f"must be {SMALL_BPS / 1e6:g} (one small picture) to {UPLINK_MBIT_S_MAX:g}"
            self._refuse("webrtc.uplink_mbit_s", words)
        if not 1 <= webrtc.viewers_max <= VIEWERS_MAX:
            self._refuse("webrtc.viewers_max", f"must be 1 to {VIEWERS_MAX}")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
