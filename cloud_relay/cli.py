"""The operator's commands: make a relay, run it, let shops in."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from cloud_relay import logs
from cloud_relay.app import put_together, serve
from cloud_relay.authority import Authority
from cloud_relay.broker.mosquitto import write_configuration
from cloud_relay.db import Database
from cloud_relay.migrations import migrate
from cloud_relay.settings import BadSettingsError, Settings, load

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)

DataDir = Annotated[Path, typer.Option("--data", help="The relay's data folder.")]

FIRST_SETTINGS = """\
# Every key is explained in config/relay/relay.toml of the source tree.
[relay]
public_url = "{public_url}"
host = "{host}"
port = {port}

[mqtt]
port = {mqtt_port}

[door]
port = {door_port}
"""


def _load(data: Path) -> Settings:
    try:
        return load(data)
    except BadSettingsError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None


@app.command()
def init(
    data: DataDir,
    public_url: Annotated[str, typer.Option(help="Where shoppers reach the relay.")] = "http://127.0.0.1:8080",
    mqtt_port: Annotated[int, typer.Option(help="Port of the MQTT broker.")] = 8883,
    door_port: Annotated[int, typer.Option(help="Port of the shop door.")] = 8443,
) -> None:
    """Make a relay: settings, CA and keys, database, mosquitto.conf. What is there already is kept."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = data / "relay.toml"
    if not file.exists():
        parts = urlsplit(public_url)
        is_plain = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")
        port = parts.port if is_plain and parts.port else 8080
        text = FIRST_SETTINGS.format(
            public_url=public_url, host="127.0.0.1", port=port, mqtt_port=mqtt_port, door_port=door_port
        )
        file.write_text(text, encoding="utf-8")
    settings = _load(data)
    authority = Authority(settings.data_dir / "pki")
    authority.prepare(datetime.now(UTC), settings.relay.name, settings.server_names)
    configuration = write_configuration(settings.data_dir / "mosquitto", settings, authority)
    database = Database(settings.database_url)
    migrate(database)
    database.close()
    typer.echo(
        f"settings   {file}\nbroker     mosquitto -c {configuration}\nrelay      python -m cloud_relay run --data {data}"
    )


@app.command(name="migrate")
def migrate_command(data: DataDir) -> None:
    """Bring the database to the newest shape."""
    database = Database(_load(data).database_url)
    migrate(database)
    database.close()


@app.command()
def run(data: DataDir) -> None:
    """Serve until told to stop."""
    settings = _load(data)
    logs.begin()
    relay = put_together(settings)
    asyncio.run(serve(relay))


def main() -> None:
    """Entry of `vitrine-relay`."""
    app()
