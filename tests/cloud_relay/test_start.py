"""What a relay that only serves must not load: it is started often, and what it never uses costs each start."""

import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from pydantic import BaseModel

from cloud_relay.late_models import late_models
from tests.house.sources import ROOT
from tests.ports import free_port

UNWANTED = {
    "alembic": "migrations, when the database has the newest shape",
    "mako": "as alembic",
    "cloud_relay.migrations.env": "as alembic",
    "sqlalchemy.dialects.postgresql": "the other database",
    "psycopg": "the other database",
    "sqlalchemy.orm": "rows are rows here",
    "rich": "colours of a command line",
    "pygments": "colours of a command line",
    "dns.message": "paho's search for brokers",
    "pydantic.v1.main": "FastAPI's look for models of another age",
    "cloud_relay.quotes.clip_child": "a child's program",
    "cloud_relay.catalog.image_child": "a child's program",
    "cloud_relay.carriers.karrio_child": "a child's program",
    "cloud_relay.escrow.providers.sandbox_server": "the provider's own program",
    "av": "a child's library",
    "karrio": "a child's library",
    "edge": "the other side",
    "demo": "who starts us",
}
"""By name, and what it is for: with all that is inside. An import brought back costs every start of every relay."""
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """Return the names of what a relay on SQLite loaded until it had shown its first page, on its second start."""
    folder, port = tmp_path_factory.mktemp("start") / "relay", free_port()
    words = [sys.executable, "-m", "cloud_relay"]
    ports = ["--mqtt-port", str(free_port()), "--door-port", str(free_port())]
    url = f"http://127.0.0.1:{port}"
    subprocess.run([*words, "init", "--data", str(folder), "--public-url", url, *ports], cwd=ROOT, check=True)
    words[1:1] = ["-X", "importtime"]
    with (folder / "log").open("wb") as log:
        relay = subprocess.Popen([*words, "run", "--data", str(folder)], cwd=ROOT, stderr=log)
    try:
        yield url, relay, folder / "log"
    finally:
        if relay.poll() is None:
            relay.kill()
        relay.wait()


def test_serving_loads_nothing_that_it_does_not_use(loaded, wait_until):
    url, relay, log = loaded

    def is_there():
        assert relay.poll() is None, log.read_text()
        try:
            return urllib.request.urlopen(f"{url}/healthz", timeout=5).status == 200
        except OSError:
            return False

    wait_until(is_there, timeout_s=60)
    assert "<html" in urllib.request.urlopen(f"{url}/", timeout=30).read().decode()
    with pytest.raises(urllib.error.HTTPError, match="422"):  # a body's model, made at its first use
        urllib.request.urlopen(urllib.request.Request(f"{url}/api/accounts", b"{}", JSON), timeout=30)
    relay.send_signal(signal.SIGTERM)
    assert relay.wait(30) == 0
    assert "Warning" not in log.read_text()
    names = set(re.findall(r"^import time:[ \d]+\|[ \d]+\| *(\S+)$", log.read_text(), re.MULTILINE))
    assert {"cloud_relay.rooms", "fastapi", "sqlalchemy.dialects.sqlite", "jinja2"} <= names
    found = {name: why for name, why in UNWANTED.items() if any(f"{one}.".startswith(f"{name}.") for one in names)}
    assert found == {}


def test_models_wait_for_their_first_use_while_a_relay_loads_and_never_else():
    with late_models():

        class Late(BaseModel):
            count: int

    class Prompt(BaseModel):
        count: int

    assert (Late.__pydantic_complete__, Prompt.__pydantic_complete__) == (False, True)
    assert Late.model_validate({"count": "3"}).count == 3
    assert Late.__pydantic_complete__


def test_an_error_while_loading_leaves_models_as_they_were():
    with pytest.raises(OSError, match="half"), late_models():
        raise OSError("half a file")
    assert "defer_build" not in BaseModel.model_config
