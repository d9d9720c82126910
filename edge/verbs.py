"""What the running daemon answers to the technician: how it is, its devices, and what its journal holds."""

from typing import Any

from edge import journal_view
from edge.clock import Clock
from edge.control_socket import TalkingVerb, Verb
from edge.device_host import DeviceHost
from edge.journal import Journal
from edge.relay_link import RelayLink
from wire.codec import to_json


def verbs_for(journal: Journal, devices: DeviceHost, link: RelayLink, clock: Clock) -> dict[str, Verb | TalkingVerb]:
    """Return the verbs of the control socket."""

    async def status(_asked: dict[str, Any]) -> Any:
        relay_now = clock.relay_now()
        return {
            "is_relay_near": link.is_connected,
            "relay_now": to_json(relay_now) if relay_now else None,
            "round_trip_s": clock.round_trip_s,
            "dropped": dict(link.door.dropped),
            "journal": await journal.read(lambda tx: journal_view.summary(tx.run)),
            "devices": [to_json(state) for state in devices.states()],
        }

    async def orders(_asked: dict[str, Any]) -> Any:
        return await journal.read(lambda tx: journal_view.orders(tx.run))

    async def story(asked: dict[str, Any]) -> Any:
        parcel_id = str(asked.get("parcel_id", ""))
        return await journal.read(lambda tx: journal_view.story(tx.run, parcel_id))

    async def order(asked: dict[str, Any]) -> Any:
        order_id = str(asked.get("order_id", ""))
        return await journal.read(lambda tx: journal_view.order(tx.run, order_id))

    async def intents(_asked: dict[str, Any]) -> Any:
        return await journal.read(lambda tx: journal_view.open_intents(tx.run))

    async def summary(_asked: dict[str, Any]) -> Any:
        return await journal.read(lambda tx: journal_view.summary(tx.run))

    return {
        "status": status,
        "orders": orders,
        "story": story,
        "order": order,
        "intents": intents,
        "summary": summary,
    }
