"""The technician's file: what is wrong is named by file, key and reason, all at once; every key is documented."""

import dataclasses
import importlib
import re
from pathlib import Path

import pytest

from edge.config import SECTIONS, BadConfigError, ViewingConfig, load_config

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "config" / "edge").glob("*.toml"))

GOOD = """
[shop]
data_dir = "box"
[attendant]
pin = "2468"
[viewing.front]
head = "head"
[bench]
camera = "front"
printer = "printer"
[device.front]
kind = "camera"
model = "mjpeg"
url = "http://127.0.0.1:1/stream"
[device.head]
kind = "pan_tilt"
model = "visca"
address = "/dev/null"
[device.printer]
kind = "label_printer"
model = "zpl"
address = "tcp://127.0.0.1:1"
"""


def problems_of(path: Path, text: str) -> list[str]:
    path.write_text(text)
    with pytest.raises(BadConfigError) as caught:
        load_config(path)
    assert all(line.startswith(f"{path}: ") for line in caught.value.problems), "each problem names the file"
    return caught.value.problems


def test_a_good_file_becomes_what_it_says(tmp_path):
    path = tmp_path / "shop.toml"
    path.write_text(GOOD)
    config = load_config(path)
    assert config.shop.data_dir == tmp_path / "box", "a relative path counts from the file"
    assert config.viewing["front"] == ViewingConfig(camera="front", head="head")
    assert config.devices["printer"].options.address == "tcp://127.0.0.1:1"
    assert config.bench.labeller == "" and config.relay.mqtt_protocol == 5


def test_a_whole_number_will_do_for_one_with_a_point(tmp_path):
    path = tmp_path / "shop.toml"
    path.write_text(GOOD.replace("[shop]", "[webrtc]\nuplink_mbit_s = 40\n[shop]"))
    assert load_config(path).webrtc.uplink_mbit_s == 40.0


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_each_example_can_be_used(path):
    assert load_config(path).devices


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("[shop]", "[shop]\ncolour = 1"), "shop.colour: unknown key; known are data_dir, id, language"),
        (("[shop]", "[kitchen]\n[shop]"), "kitchen: unknown section"),
        (('data_dir = "box"', ""), "shop.data_dir: is missing"),
        (('pin = "2468"', "pin = 2468"), "attendant.pin: must be str, not 2468"),
        (('pin = "2468"', 'pin = "abcd"'), "attendant.pin: must be 4 to 12 digits"),
        (('pin = "2468"', 'pin = "2468"\nport = 70000'), "attendant.port: 70000 is no port"),
        (("[shop]", "[relay]\nmqtt_protocol = 3\n[shop]"), "relay.mqtt_protocol: must be 5, or 4"),
        (("[shop]", '[relay]\nhttps_url = "http://x"\n[shop]'), "relay.https_url: must begin with https://"),
        (("[shop]", '[webrtc]\naddresses = ["here"]\n[shop]'), "webrtc.addresses: 'here' is no IP address"),
        (("[shop]", "[webrtc]\nuplink_mbit_s = 0\n[shop]"), "webrtc.uplink_mbit_s: must be 0.625"),
        (("[shop]", '[webrtc]\nuplink_mbit_s = "9"\n[shop]'), "webrtc.uplink_mbit_s: must be float, not '9'"),
        (("[shop]", "[webrtc]\nviewers_max = 51\n[shop]"), "webrtc.viewers_max: must be 1 to 50"),
        (("[shop]", '[shop]\nlanguage = "fr"'), "shop.language: must be one of en, zh"),
        (('head = "head"', 'head = "hat"'), "viewing.front.head: there is no [device.hat]"),
        (('head = "head"', 'head = "printer"'), "viewing.front.head: device printer is a label_printer"),
        (('head = "head"', 'camera = "printer"'), "viewing.front.camera: a viewing place is named like its camera"),
        (('model = "zpl"', 'model = "abacus"'), "device.printer: there is no model 'abacus' of kind label_printer"),
        (('kind = "camera"', 'kind = "mirror"'), "device.front: kind 'mirror' is none of"),
        (('model = "zpl"', 'model = "zpl"\nink = 3'), "device.printer: unknown key 'ink'"),
        (('address = "tcp://127.0.0.1:1"', ""), "device.printer: key 'address' is missing"),
        (('address = "/dev/null"', "address = 7"), "device.head: address must be str"),
        (('kind = "pan_tilt"', ""), "device.head: needs kind and model"),
        (("[device.head]", '[device."He ad"]'), "device.He ad: name: 'He ad' is not an id"),
        (("[viewing.front]", "[viewing]\nfront = 3\n[viewing.other]"), "viewing.front: is no section"),
        (('printer = "printer"', ""), "bench.printer: is missing"),
    ],
)
def test_each_mistake_is_named_by_key_and_reason(tmp_path, change, problem):
    text = GOOD.replace(change[0], change[1], 1)
    assert any(problem in line for line in problems_of(tmp_path / "shop.toml", text))


def test_everything_wrong_is_told_at_once(tmp_path):
    text = (
        GOOD.replace('pin = "2468"', "pin = 1").replace('model = "zpl"', 'model = "abacus"').replace("[shop]", "[sop]")
    )
    assert len(problems_of(tmp_path / "shop.toml", text)) >= 4


def test_a_file_that_is_missing_or_no_toml_is_named(tmp_path):
    with pytest.raises(BadConfigError, match=r"nowhere\.toml: cannot be read: No such file"):
        load_config(tmp_path / "nowhere.toml")
    assert "is not TOML" in problems_of(tmp_path / "shop.toml", "[shop\n")[0]


def _keys_written() -> set[tuple[str, str]]:
    """Return (section or kind.model, key) of every key that stands in an example, commented out or not."""
    written: set[tuple[str, str]] = set()
    for path in EXAMPLES:
        section, kind = "", ""
        for line in path.read_text().splitlines():
            if match := re.match(r"#? ?\[([\w.]+)\]", line):
                section = match[1].partition(".")[0]
            elif match := re.match(r"#? ?(\w+) = (\S+)", line):
                key, value = match[1], match[2].strip('"')
                if section == "device" and key == "kind":
                    kind = value
                elif section == "device" and key == "model":
                    kind = f"{kind.partition('.')[0]}.{value}"
                else:
                    written.add((kind if section == "device" else section, key))
    return written


def test_every_key_is_documented_in_an_example():
    wanted = {(name, part.name) for name, cls in SECTIONS.items() for part in dataclasses.fields(cls)}
    wanted |= {("viewing", part.name) for part in dataclasses.fields(ViewingConfig)}
    for path in (ROOT / "drivers").glob("*/*.py"):
        kind, model = path.parent.name, path.stem
        if kind == "simulators" or model.startswith("_"):
            continue
        driver = importlib.import_module(f"drivers.{kind}.{model}").DRIVER
        wanted |= {(f"{kind}.{model}", part.name) for part in dataclasses.fields(driver.Options)}
    assert wanted - _keys_written() == set()


def test_no_example_names_a_key_that_does_not_exist():
    sections = {(name, part.name) for name, cls in SECTIONS.items() for part in dataclasses.fields(cls)}
    sections |= {("viewing", part.name) for part in dataclasses.fields(ViewingConfig)}
    for section, key in _keys_written():
        if "." not in section:
            assert (section, key) in sections
            continue
        kind, _, model = section.partition(".")
        driver = importlib.import_module(f"drivers.{kind}.{model}").DRIVER
        assert key in {part.name for part in dataclasses.fields(driver.Options)}
