"""Each side installs what it needs and no more; a package has one version everywhere."""

import re

import pytest

from tests.house.sources import ROOT


def pins(name):
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE))


@pytest.mark.parametrize(
    ("name", "unwanted"),
    [
        ("edge", {"fastapi", "sqlalchemy", "alembic", "psycopg", "psycopg-binary"}),
        (
            "relay",
            {"pyserial", "opencv-python-headless", "pymodbus", "python-escpos", "picamera2", "aiortc", "av", "numpy"},
        ),
    ],
)
def test_unwanted_packages_stay_out(name, unwanted):
    assert pins(name)
    assert set(pins(name)) & unwanted == set()


@pytest.mark.parametrize("name", ["edge", "relay", "demo", "clips"])
def test_versions_agree(name):
    everything = pins("dev")
    assert {package: version for package, version in pins(name).items() if everything.get(package) != version} == {}
