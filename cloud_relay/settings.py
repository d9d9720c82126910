"""The relay's settings: one TOML file into frozen dataclasses; secrets come from the environment."""

import dataclasses
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import urlsplit


class BadSettingsError(ValueError):
    """A settings file that cannot be used: the message names file, key and reason, for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySettings:
    """`name` is the MQTT client id and certificate name of this process; another process takes another name."""

    name: str = "relay-1"
    public_url: str = "http://127.0.0.1:8080"
    host: str = "127.0.0.1"
    port: int = 8080
    market: str = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """`url` empty means `relay.sqlite3` in the data folder; VITRINE_DATABASE_URL stands above it."""

    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttSettings:
    """Where the broker listens, and the address told to shops at enrolment (`public_host` empty: the same)."""

    host: str = "127.0.0.1"
    port: int = 8883
    public_host: str = ""
    protocol: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorSettings:
    """The TLS listener for shop boxes only: enrolment, renewal, pictures. `public_url` empty: https://host:port."""

    host: str = "127.0.0.1"
    port: int = 8443
    public_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSettings:
    """How long a sign-in lasts, and when guessing is stopped: failures per account and per address in one window.

    `documents_required`: a merchant is verified only by documents that an operator looked at here; where the market
    checks merchants elsewhere it is false, and the operator's reason says by what.
    """

    sign_in_days: int = 30
    failures_max: int = 10
    failures_window_s: int = 900
    documents_required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    """What one request may bring. Pixels: 25 million is more than any shop camera takes and 100 MB when decoded."""

    body_bytes_max: int = 64 * 1024
    upload_bytes_max: int = 12 * 1024 * 1024
    picture_pixels_max: int = 25_000_000
    requests_per_s: float = 50.0
    requests_burst: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeSettings:
    """The agreed times of an order in seconds, the market's share in parts per million of the total, the tax in it.

    A shop that does not hand over in `ship_s`, does not answer a cancel in `cancel_s`, or a parcel that does not
    arrive in `arrive_s` opens a dispute by itself; a dispute that nobody rules on ends after `dispute_s`. What waits at
    a pick-up point is reminded of `collect_remind_s` after it was ready, and goes back after `collect_s`. What one
    merchant pays out in a day beyond `payout_alone_minor`, minor units of any one currency, takes two people.
    """

    reservation_s: int = 600
    extension_s: int = 300
    reservations_per_account: int = 3
    pay_s: int = 900
    photo_window_s: int = 24 * 3600
    release_after_s: int = 7 * 24 * 3600
    dispute_s: int = 14 * 24 * 3600
    ship_s: int = 14 * 24 * 3600
    cancel_s: int = 14 * 24 * 3600
    arrive_s: int = 60 * 24 * 3600
    commission_ppm: int = 50_000
    counter_commission_ppm: int = 0
    tax_ppm: int = 0
    objections_max: int = 2
    collect_s: int = 7 * 24 * 3600
    collect_remind_s: tuple[int, ...] = (2 * 24 * 3600, 5 * 24 * 3600)
    payout_alone_minor: int = 5_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentSettings:
    """The provider in use and where it answers; its secrets come from VITRINE_PAYMENT_SECRET and …_WEBHOOK_SECRET.

    `also` are more providers that shoppers may choose. Payouts go through whichever holds enough, `provider` first.
    """

    provider: str = "sandbox"
    url: str = "http://127.0.0.1:8090"
    timeout_s: float = 5.0
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BankSettings:
    """The market's own account for the provider `bank_transfer`, and how long an order waits for its money."""

    holder: str = ""
    iban: str = ""
    bic: str = ""
    name: str = ""
    currency: str = "EUR"
    pay_s: int = 5 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeSettings:
    """Where the provider `stripe` answers; secrets: VITRINE_STRIPE_KEY and VITRINE_STRIPE_WEBHOOK_SECRET.

    `pay_s` is how long Stripe's payment page stays open: at least 1800 (Stripe's own floor), a minute more to be safe.
    """

    url: str = "https://api.stripe.com"
    timeout_s: float = 20.0
    pay_s: int = 1860


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierSettings:
    """A carrier beside the courier's page, if it has a `name`: by JSON over HTTP, or by Karrio's library.

    Of `kind` "generic_http": `book_body` is JSON with {names} to fill in; what ends in `_at` are dotted paths into
    answers; `statuses` are `word=step` lines over the shared table. VITRINE_CARRIER_TOKEN goes out as a bearer token,
    and VITRINE_CARRIER_WEBHOOK_SECRET signs what comes in at /carrier-hooks/NAME.
    Of `kind` "karrio" these count: `extension` (the library's name of the carrier), `account` and `shipper` (JSON;
    VITRINE_CARRIER_TOKEN is JSON with the account's secrets), `service`, both weights, `url` (a forwarder that calls
    go by instead of to the carrier's own hosts), `timeout_s`, `poll_s`, `statuses`, `time_zone`.
    `time_zone` is an IANA name: where the carrier's clock hangs that writes times without an offset.
    """

    name: str = ""
    kind: str = "generic_http"
    title_en: str = ""
    title_zh: str = ""
    url: str = ""
    timeout_s: float = 15.0
    extension: str = ""
    account: str = "{}"
    shipper: str = "{}"
    service: str = ""
    goods_weight_g: int = 1000
    packing_weight_g: int = 200
    book_path: str = "/shipments"
    book_body: str = "{}"
    find_path: str = ""
    tracking_no_at: str = "tracking_no"
    tracking_url_at: str = "tracking_url"
    label_at: str = "label"
    reason_at: str = "message"
    words_path: str = ""
    words_at: str = "events"
    status_at: str = "status"
    time_at: str = "time"
    place_at: str = "place"
    text_at: str = "text"
    time_zone: str = ""
    poll_s: float = 1800.0
    statuses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewingSettings:
    """What browsers and shops are told of STUN and TURN.

    `turn_urls` are our own TURN server's addresses, UDP first; its names and words are made for each session from
    VITRINE_TURN_SECRET and end `turn_life_s` later. `ice_servers` are RTCIceServer objects as JSON, told as they are.
    """

    turn_urls: tuple[str, ...] = ()
    turn_life_s: int = 600
    ice_servers: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """The mail server that carries notices; no `smtp_host`, no mail. VITRINE_MAIL_PASSWORD belongs to `smtp_account`.

    `encryption` is "none" (only for loopback), "starttls" or "tls". `sender` is also the contact told to push services.
    """

    smtp_host: str = ""
    smtp_port: int = 25
    encryption: str = "starttls"
    smtp_account: str = ""
    sender: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the relay is told from outside; `secrets` holds the VITRINE_… variables of the environment."""

    data_dir: Path
    relay: RelaySettings = RelaySettings()
    database: DatabaseSettings = DatabaseSettings()
    mqtt: MqttSettings = MqttSettings()
    door: DoorSettings = DoorSettings()
    accounts: AccountSettings = AccountSettings()
    limits: LimitSettings = LimitSettings()
    trade: TradeSettings = TradeSettings()
    payment: PaymentSettings = PaymentSettings()
    bank: BankSettings = BankSettings()
    stripe: StripeSettings = StripeSettings()
    carrier: CarrierSettings = CarrierSettings()
    viewing: ViewingSettings = ViewingSettings()
    mail: MailSettings = MailSettings()
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def database_url(self) -> str:
        """SQLAlchemy's URL of the database."""
        url = self.secrets.get("VITRINE_DATABASE_URL") or self.database.url
        return url or f"sqlite:///{self.data_dir / 'relay.sqlite3'}"

    @property
    def is_https(self) -> bool:
        """Whether shoppers reach the relay by https, so that cookies are marked Secure."""
        return self.relay.public_url.startswith("https://")

    @property
    def door_url(self) -> str:
        """Where shop boxes reach the shop door."""
        return self.door.public_url or f"https://{self.door.host}:{self.door.port}"

    @property
    def server_names(self) -> tuple[str, ...]:
        """Host names and addresses that the certificates of broker and shop door speak for."""
        names = [self.mqtt.host, self.mqtt.public_host, self.door.host, urlsplit(self.door_url).hostname or ""]
        return tuple(dict.fromkeys(["localhost", "127.0.0.1", *(name for name in names if name)]))


def _section(cls: Any, data: Any, file: Path, section: str) -> Any:
    if not isinstance(data, dict):
        raise BadSettingsError(f"{file}: [{section}] must be a table")
    hints = get_type_hints(cls)
    values: dict[str, Any] = {}
    for key, value in data.items():
        if key not in hints:
            raise BadSettingsError(f"{file}: [{section}] {key}: unknown; known are {', '.join(hints)}")
        wanted = hints[key]
        if wanted is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)  # noqa: PLW2901  # TOML's 5 and 5.0 mean the same here
        if isinstance(value, list):
            value = tuple(value)  # noqa: PLW2901  # frozen like everything else
        plain = wanted if isinstance(wanted, type) else tuple
        if not isinstance(value, plain) or (isinstance(value, bool) and plain is not bool):
            raise BadSettingsError(f"{file}: [{section}] {key}: must be {plain.__name__}, not {type(value).__name__}")
        values[key] = value
    return cls(**values)


def load(data_dir: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of `data_dir`/relay.toml; raise BadSettingsError naming file, key and reason."""
    file = data_dir / "relay.toml"
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadSettingsError(
            f"{file}: not there; make it with: python -m cloud_relay init --data {data_dir}"
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSettingsError(f"{file}: {error}") from None
    sections = {
        part.name: type(part.default) for part in dataclasses.fields(Settings) if dataclasses.is_dataclass(part.default)
    }
    for name in data:
        if name not in sections:
            raise BadSettingsError(f"{file}: [{name}]: unknown; known are {', '.join(sections)}")
    parts = {name: _section(sections[name], part, file, name) for name, part in data.items()}
    secrets = {key: value for key, value in environment.items() if key.startswith("VITRINE_")}
    return Settings(data_dir=data_dir.resolve(), secrets=secrets, **parts)
