"""Mosquitto 2: its configuration, and admitting shops through the dynamic-security plug-in's control topic."""

import asyncio
import getpass
import json
import logging
import os
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cloud_relay.authority import Authority
from cloud_relay.broker import AdmissionError, Publish
from cloud_relay.settings import Settings
from wire.topics import PREFIX
from wire.values import new_id

log = logging.getLogger(__name__)

PID_FILE = "mosquitto.pid"
CONTROL_TOPIC = "$CONTROL/dynamic-security/v1"
ANSWER_TIMEOUT_S = 5.0
PLUGIN_PLACES = (
    "/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so",
    "/usr/lib/aarch64-linux-gnu/mosquitto_dynamic_security.so",
    "/usr/lib/arm-linux-gnueabihf/mosquitto_dynamic_security.so",
    "/usr/lib/mosquitto_dynamic_security.so",
)
"""Where Debian, Raspberry Pi OS and Ubuntu put the plug-in that comes with the mosquitto package."""

CONFIGURATION = """\
# The broker between one relay and its shops. Written by `python -m cloud_relay init`; see config/mosquitto/.
# A broker is a wire here, not a store: both ends keep what matters, so losing its store loses nothing.
per_listener_settings false
listener {port} {host}
cafile {ca}
certfile {certificate}
keyfile {key}
# certificates taken back; read again when the relay sends SIGHUP to the process named in the pid file
crlfile {crl}
pid_file {pid}
# identity = certificate name = user name = client id: another certificate cannot take a shop's session over
require_certificate true
use_identity_as_username true
use_username_as_clientid true
allow_anonymous false
plugin {plugin}
plugin_opt_config_file {rights}
# Nagle with delayed acknowledgement costs 44 ms a hop
set_tcp_nodelay true
# the largest message of the portable subset, with room for its topic and properties
message_size_limit 270000
max_packet_size 300000
max_keepalive 300
max_inflight_messages 100
# queue by bytes, not by count: the default of 1000 messages drops silently in a burst
max_queued_messages 0
max_queued_bytes 16777216
persistent_client_expiration 14d
persistence true
persistence_location {store}/
autosave_interval 5
log_dest stderr
log_type error
log_type warning
log_type notice
connection_messages true
{user}"""


def _acl(kind: str, topic: str) -> dict[str, Any]:
    return {"acltype": kind, "topic": topic, "priority": 0, "allow": True}


def shop_role(shop_id: str) -> dict[str, Any]:
    """Return the rights of one shop: it speaks under its own prefix and hears its own commands."""
    own = f"{PREFIX}/{shop_id}"
    speaks = ("presence", "state/#", "report", "ack", "frame/#")
    return {
        "rolename": f"shop-{shop_id}",
        "acls": [
            *(_acl("publishClientSend", f"{own}/{topic}") for topic in speaks),
            _acl("publishClientReceive", f"{own}/command"),
            _acl("subscribeLiteral", f"{own}/command"),
            _acl("unsubscribeLiteral", f"{own}/command"),
        ],
    }


def relay_role() -> dict[str, Any]:
    """Return the rights of relay processes: commands down, everything else up, and the plug-in's control topic."""
    hears = ("presence", "state/#", "report", "ack", "frame/#")
    topics = [f"{PREFIX}/+/{topic}" for topic in hears]
    return {
        "rolename": "relay",
        "acls": [
            _acl("publishClientSend", f"{PREFIX}/+/command"),
            # only to clear what a box that was taken back left behind
            *(_acl("publishClientSend", f"{PREFIX}/+/{topic}") for topic in ("presence", "state/#")),
            _acl("publishClientSend", "$CONTROL/dynamic-security/#"),
            *(_acl("publishClientReceive", topic) for topic in (*topics, "$CONTROL/dynamic-security/#")),
            *(_acl("subscribePattern", topic) for topic in (*topics, "$CONTROL/dynamic-security/#")),
            _acl("unsubscribePattern", "#"),
        ],
    }


def _first_rights(relay_names: Iterable[str]) -> dict[str, Any]:
    nothing = {"publishClientSend": False, "publishClientReceive": False, "subscribe": False, "unsubscribe": True}
    clients = [{"username": name, "roles": [{"rolename": "relay"}]} for name in relay_names]
    return {"defaultACLAccess": nothing, "clients": clients, "groups": [], "roles": [relay_role()]}


def write_configuration(folder: Path, settings: Settings, authority: Authority) -> Path:
    """Write `folder`/mosquitto.conf and, once, the rights file; return the former. `mosquitto -c` runs it as it is."""
    store = folder / "store"
    store.mkdir(parents=True, exist_ok=True)
    certificate, key = authority.pair("broker")
    rights = folder / "dynamic-security.json"
    if not rights.exists():
        rights.write_text(json.dumps(_first_rights([settings.relay.name]), indent=1))
        rights.chmod(0o600)
    # started as root, mosquitto would drop to a user that cannot read these files
    user = f"user {getpass.getuser()}\n" if os.geteuid() == 0 else ""
    plugin = next((place for place in PLUGIN_PLACES if Path(place).exists()), PLUGIN_PLACES[0])
    text = CONFIGURATION.format(
        port=settings.mqtt.port, host=settings.mqtt.host, ca=authority.folder / "ca.pem", certificate=certificate,
        crl=authority.crl_file, pid=folder / PID_FILE,
        key=key, plugin=plugin, rights=rights, store=store, user=user,
    )  # fmt: skip
    configuration = folder / "mosquitto.conf"
    configuration.write_text(text)
    return configuration


class MosquittoAdmission:
    """Speaks the plug-in's JSON over the relay's own connection and waits for its answers."""

    answer_topic = f"{CONTROL_TOPIC}/response"

    def __init__(self, folder: Path) -> None:
        self._pid_file = folder / PID_FILE
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}

    def on_answer(self, payload: bytes) -> None:
        try:
            answers = json.loads(payload)["responses"]
        except (ValueError, KeyError, TypeError):
            return
        for answer in answers:
            waiting = self._waiting.pop(str(answer.get("correlationData", "")), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(answer)

    async def admit(self, publish: Publish, shop_id: str) -> None:
        role = shop_role(shop_id)
        client = {"username": shop_id, "roles": [{"rolename": role["rolename"]}]}
        await self._ask(publish, {"command": "createRole", **role}, "already exists")
        await self._ask(publish, {"command": "createClient", **client}, "already exists")

    async def expel(self, publish: Publish, shop_id: str) -> None:
        # disabling disconnects at once; deleting takes the rights, because a certificate alone still opens a session
        await self._ask(publish, {"command": "disableClient", "username": shop_id}, "not found")
        await self._ask(publish, {"command": "deleteClient", "username": shop_id}, "not found")
        await self._ask(publish, {"command": "deleteRole", "rolename": f"shop-{shop_id}"}, "not found")

    async def reconcile(self, publish: Publish, shop_ids: Iterable[str]) -> None:
        clients = await self._ask(publish, {"command": "listClients", "verbose": False, "count": -1, "offset": 0})
        roles = await self._ask(publish, {"command": "listRoles", "verbose": False, "count": -1, "offset": 0})
        known_clients, known_roles = set(clients["data"]["clients"]), set(roles["data"]["roles"])
        wanted = set(shop_ids)
        for shop_id in sorted(wanted):
            if shop_id not in known_clients or f"shop-{shop_id}" not in known_roles:
                await self.admit(publish, shop_id)
        for role in sorted(known_roles):
            if role.startswith("shop-") and role.removeprefix("shop-") not in wanted:
                await self.expel(publish, role.removeprefix("shop-"))

    def reload(self) -> None:
        try:
            pid = int(self._pid_file.read_text())
            if Path(f"/proc/{pid}/comm").read_text().strip() == "mosquitto":
                os.kill(pid, signal.SIGHUP)
                return
        except (OSError, ValueError) as error:
            log.warning(
                "mosquitto could not be told to reload (%s): reload it by hand, as systemctl reload mosquitto", error
            )
            return
        log.warning("mosquitto: process %s is another program; restart the broker to have revoked boxes cut off", pid)

    async def _ask(self, publish: Publish, command: dict[str, Any], harmless: str = "") -> dict[str, Any]:
        correlation = new_id("dyn")
        waiting: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[correlation] = waiting
        try:
            body = {"commands": [{**command, "correlationData": correlation}]}
            await publish(CONTROL_TOPIC, json.dumps(body).encode())
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                answer = await waiting
        except TimeoutError:
            name = command["command"]
            raise AdmissionError(
                f"mosquitto: {name} unanswered after {ANSWER_TIMEOUT_S} s; is the plug-in loaded?"
            ) from None
        finally:
            self._waiting.pop(correlation, None)
        error = str(answer.get("error", ""))
        if error and not (harmless and harmless in error.lower()):
            raise AdmissionError(f"mosquitto: {command['command']}: {error}")
        return answer
