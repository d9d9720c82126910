"""MQTT topics of one shop: `v1/<shop>/…`. Identity of a shop = certificate name = client id = topic prefix. Pure."""

from wire.values import BadValueError, check_id

PREFIX = "v1"


def presence(shop_id: str) -> str:
    """Shop → relay, retained; also the last will, with the session number of the birth."""
    return f"{PREFIX}/{check_id(shop_id, 'shop_id')}/presence"


def state(shop_id: str, device: str) -> str:
    """Shop → relay, retained, republished on connect: health of one device, and of a camera its turn and queue."""
    return f"{PREFIX}/{check_id(shop_id, 'shop_id')}/state/{check_id(device, 'device')}"


def command(shop_id: str) -> str:
    """Relay → shop, signed, never retained."""
    return f"{PREFIX}/{check_id(shop_id, 'shop_id')}/command"


def report(shop_id: str) -> str:
    """Shop → relay, never retained."""
    return f"{PREFIX}/{check_id(shop_id, 'shop_id')}/report"


def ack(shop_id: str) -> str:
    """Shop → relay: what became of a command, from the journal, byte for byte the same when repeated."""
    return f"{PREFIX}/{check_id(shop_id, 'shop_id')}/ack"


def frame(shop_id: str, session_id: str) -> str:
    """Shop → relay, QoS 0: one JPEG of a fallback viewing session; one in flight until credited."""
    return f"{PREFIX}/{check_id(shop_id, 'shop_id')}/frame/{check_id(session_id, 'session_id')}"


def parse(topic: str) -> tuple[str, str, str]:
    """Return (shop_id, kind, rest) of a topic, `rest` being the device or session or empty; raise BadValueError."""
    parts = topic.split("/")
    if len(parts) not in (3, 4) or parts[0] != PREFIX:
        raise BadValueError(f"topic: {topic[:80]!r} is none of ours")
    rest = check_id(parts[3], "topic") if len(parts) == 4 else ""
    return check_id(parts[1], "topic"), parts[2], rest
