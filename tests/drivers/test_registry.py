"""What a technician may get wrong in a device's section: each mistake names file, device and key."""

import sys

import pytest

from drivers.base import BadOptionsError
from drivers.pan_tilt.visca import ViscaOptions
from drivers.registry import KINDS, build_options, find_driver

WHERE = "shop.toml [device.head]"


@pytest.mark.parametrize(
    ("kind", "model", "says"),
    [
        ("camra", "mjpeg", "none of camera"),
        ("camera", "webcam", "no model 'webcam' of kind camera"),
        ("camera", "_picture", "no model"),
        ("camera", "../base", "no model"),
        ("camera", "", "no model"),
        ("simulators", "paper", "none of camera"),
    ],
)
def test_a_driver_that_is_not_there(kind, model, says):
    with pytest.raises(BadOptionsError, match=says) as caught:
        find_driver(kind, model, WHERE)
    assert WHERE in str(caught.value)


def test_a_missing_library_is_not_a_misspelt_model(monkeypatch):
    monkeypatch.delitem(sys.modules, "drivers.packer.modbus", raising=False)
    monkeypatch.delitem(sys.modules, "drivers.modbus_jobs", raising=False)
    monkeypatch.setitem(sys.modules, "pymodbus.client", None)
    with pytest.raises(BadOptionsError, match=r"needs the package 'pymodbus"):
        find_driver("packer", "modbus", WHERE)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"adress": "/dev/x"}, "unknown key 'adress'; known are address, baud"),
        ({}, "key 'address' is missing"),
        ({"address": 5}, "address must be str"),
        ({"address": "/dev/x", "baud": 9600.5}, "baud must be int"),
        ({"address": "/dev/x", "baud": True}, "baud must be int"),
        ({"address": "/dev/x", "lens": ["wide", "tele"]}, "lens must be int"),
        ({"address": "/dev/x", "lens": 5}, "lens must be tuple"),
        ({"address": "/dev/x", "timeout_s": 0}, "timeout_s must be above 0"),
        ({"address": "/dev/x", "timeout_s": float("nan")}, "timeout_s must be a finite number"),
        ({"address": "/dev/x", "zoom_max": float("inf")}, "zoom_max must be a finite number"),
        ({"address": "/dev/x", "pan_min_deg": 50.0, "pan_max_deg": 10.0}, "pan_min_deg must be below"),
    ],
)
def test_wrong_options_name_the_place_and_the_key(table, says):
    with pytest.raises(BadOptionsError, match=says) as caught:
        build_options(find_driver("pan_tilt", "visca", WHERE), table, WHERE)
    assert str(caught.value).startswith(WHERE)


def test_right_options_become_the_drivers_own():
    driver = find_driver("pan_tilt", "visca", WHERE)
    options = build_options(driver, {"address": "/dev/x", "zoom_max": 2, "lens": [0, 100, 200]}, WHERE)
    assert options == ViscaOptions(address="/dev/x", zoom_max=2.0, lens=(0, 100, 200))


def test_every_kind_has_a_folder():
    for kind in KINDS:
        __import__(f"drivers.{kind}")
