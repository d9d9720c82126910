"""The operator's commands: make a relay, run it, let shops in.

What loads slowly and only one command needs (the web server, the trade) is imported inside it.
"""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from sqlalchemy import Connection

from cloud_relay import books_cli, care_cli, logs, records_cli
from cloud_relay.accounts import rules, service, store
from cloud_relay.accounts.passwords import hash_password_now
from cloud_relay.authority import Authority
from cloud_relay.broker.mosquitto import write_configuration
from cloud_relay.db import Database
from cloud_relay.migrations import migrate
from cloud_relay.refusals import RefusedError
from cloud_relay.settings import BadSettingsError, PaymentSettings, Settings, load
from cloud_relay.shop_door import enrolment
from cloud_relay.shop_door import store as door_store
from wire.light_start import light_start
from wire.values import BadValueError

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

[payment]
url = "{payment_url}"
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
    payment_url: Annotated[str, typer.Option(help="Where the payment provider answers.")] = PaymentSettings().url,
) -> None:
    """Make a relay: settings, CA and keys, database, mosquitto.conf. What is there already is kept."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = data / "relay.toml"
    if not file.exists():
        parts = urlsplit(public_url)
        is_plain = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")
        port = parts.port if is_plain and parts.port else 8080
        text = FIRST_SETTINGS.format(
            public_url=public_url,
            host="127.0.0.1",
            port=port,
            mqtt_port=mqtt_port,
            door_port=door_port,
            payment_url=payment_url,
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
        f"settings   {file}\nbroker     mosquitto -c {configuration}\n"
        f"relay      python -m cloud_relay run --data {data}"
    )


app.add_typer(care_cli.app)
app.add_typer(books_cli.app)
operator_app = typer.Typer(no_args_is_help=True, help="People who verify merchants and rule on disputes.")
shop_app = typer.Typer(no_args_is_help=True, help="Shops and their boxes.")
app.add_typer(records_cli.app, name="records")
app.add_typer(operator_app, name="operator")
app.add_typer(shop_app, name="shop")


@operator_app.command("create")
def operator_create(
    data: DataDir,
    email: Annotated[str, typer.Option(help="The operator's e-mail address.")],
    password: Annotated[
        str, typer.Option(envvar="VITRINE_OPERATOR_PASSWORD", prompt=True, hide_input=True, confirmation_prompt=True)
    ],
    nickname: Annotated[str, typer.Option(help="The name that others see.")] = "Operator",
) -> None:
    """Make an operator's account, or make an existing account an operator's."""
    database = Database(_load(data).database_url)
    try:
        account_id = database.run_now(_create_operator, email, password, nickname, datetime.now(UTC))
    except (BadValueError, RefusedError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    finally:
        database.close()
    typer.echo(account_id)


def _create_operator(connection: Connection, email: str, password: str, nickname: str, now: datetime) -> str:
    address = rules.clean_email(email)
    rules.check_password(password, address)
    known = store.find_by_email(connection, address)
    if known is not None:
        store.update_account(connection, known.account_id, {"is_operator": True})
        return str(known.account_id)
    return service.sign_up(
        connection, email=address, password_hash=hash_password_now(password), nickname=nickname, language="en", now=now,
        is_operator=True,
    )  # fmt: skip


@shop_app.command("admit")
def shop_admit(data: DataDir, shop_id: Annotated[str, typer.Argument(help="The shop's id.")]) -> None:
    """Print a one-time claim text for a shop's box; it holds ten minutes."""
    settings = _load(data)
    database, authority = Database(settings.database_url), Authority(settings.data_dir / "pki")
    try:
        if not database.read_now(door_store.shop_exists, shop_id):
            typer.echo(f"error: there is no shop {shop_id}; the merchant opens it on their page", err=True)
            raise typer.Exit(2)
        claim_text, _ = database.run_now(enrolment.make_claim, shop_id, settings, authority, datetime.now(UTC))
    finally:
        database.close()
    typer.echo(claim_text)


@shop_app.command("readmit")
def shop_readmit(data: DataDir, shop_id: Annotated[str, typer.Argument(help="The shop's id.")]) -> None:
    """End a shop's quarantine after its journal was looked at; its present mark counts from now on."""
    from cloud_relay.shop_link import inbox

    database = Database(_load(data).database_url)
    try:
        if not database.run_now(inbox.readmit, shop_id):
            typer.echo(f"error: shop {shop_id} is not in quarantine", err=True)
            raise typer.Exit(2)
    finally:
        database.close()


@app.command(name="migrate")
def migrate_command(data: DataDir) -> None:
    """Bring the database to the newest shape."""
    database = Database(_load(data).database_url)
    migrate(database)
    database.close()


@app.command()
def run(data: DataDir) -> None:
    """Serve until told to stop."""
    from cloud_relay.late_models import late_models

    with light_start(), late_models():
        from cloud_relay.app import put_together, serve_until_signal

    settings = _load(data)
    logs.begin()
    try:
        relay = put_together(settings)
    except BadSettingsError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    asyncio.run(serve_until_signal(relay))


def main() -> None:
    """Entry of `vitrine-relay`."""
    app()
