"""Settings: every key is documented, and a wrong one is told by file, key and reason."""

import dataclasses
import re
import tomllib

import pytest

from cloud_relay.broker.mosquitto import CONFIGURATION
from cloud_relay.settings import BadSettingsError, Settings, load
from tests.house.sources import ROOT

EXAMPLE = ROOT / "config" / "relay" / "relay.toml"


def test_every_key_stands_in_the_example_with_its_default(tmp_path):
    (tmp_path / "relay.toml").write_text(EXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    assert load(tmp_path, {}) == Settings(data_dir=tmp_path.resolve())
    known = {
        section.name: {key.name for key in dataclasses.fields(section.default)}
        for section in dataclasses.fields(Settings)
        if dataclasses.is_dataclass(section.default)
    }
    stated = {name: set(keys) for name, keys in tomllib.loads(EXAMPLE.read_text(encoding="utf-8")).items()}
    assert stated == known


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[relay]\nprot = 1", r"\[relay\] prot: unknown"), ("[rellay]\nport = 1", r"\[rellay\]: unknown"),
        ("[relay]\nport = '80'", r"\[relay\] port: must be int"),
        ("[mqtt]\nport = true", r"\[mqtt\] port: must be int"),
        ("[relay\nport = 1", "relay.toml"), ("relay = 1", r"\[relay\] must be a table"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_told(tmp_path, text, words):
    (tmp_path / "relay.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BadSettingsError, match=words):
        load(tmp_path, {})


def test_a_missing_file_tells_how_to_make_it(tmp_path):
    with pytest.raises(BadSettingsError, match="init --data"):
        load(tmp_path, {})


def test_the_environment_names_the_database(tmp_path):
    (tmp_path / "relay.toml").write_text("", encoding="utf-8")
    settings = load(tmp_path, {"VITRINE_DATABASE_URL": "postgresql+psycopg://x/y", "HOME": "/x"})
    assert settings.database_url == "postgresql+psycopg://x/y"
    assert "HOME" not in settings.secrets
    assert "postgresql" not in repr(settings)


def test_the_brokers_example_says_what_we_write():
    def keys(text):
        return [line.split()[0] for line in text.splitlines() if line and not line.startswith(("#", "{", "user"))]

    example = (ROOT / "config" / "mosquitto" / "mosquitto.conf").read_text(encoding="utf-8")
    assert keys(example) == keys(CONFIGURATION)
    assert not re.search(r"/tmp|/root", example)
