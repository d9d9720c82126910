"""Asks one carrier through Karrio's library, in a process of its own. A script; it imports nothing of ours.

Usage: karrio_child.py < JSON > JSON. In: `carrier` (the extension's name), `account` (its credentials and options),
`forwarder` (an address to go by, or nothing), and `shipment` (as Karrio's ShipmentRequest) or `tracking_no`.
Out: `booked` or `words`; `messages` as (code, text) when the carrier said something else; `failed` without an answer.
"""

import importlib
import json
import resource
import sys
from typing import Any
from urllib.parse import urlsplit, urlunsplit

MEMORY_BYTES_MAX = 1024 * 1024 * 1024
"""The library with its tables takes 120 MB; a label is a few."""


def _connect(asked: dict[str, Any]) -> Any:
    sdk: Any = importlib.import_module("karrio.sdk")
    importlib.import_module("loguru").logger.remove()  # it would write addresses and passwords to stderr
    gateway = sdk.gateway[asked["carrier"]].create(asked["account"])
    if asked.get("forwarder"):
        _go_by(gateway.settings, asked["forwarder"])
    return gateway


def _go_by(settings: Any, forwarder: str) -> None:
    """Send what would go to the carrier's hosts to the forwarder's host instead, path and all."""
    kind, host = type(settings), urlsplit(forwarder)
    names = [name for name in dir(kind) if name.endswith("server_url") and isinstance(getattr(kind, name), property)]
    moved = {name: urlunsplit(host[:2] + urlsplit(getattr(settings, name))[2:]) for name in names}
    settings.__class__ = type(kind.__name__, (kind,), moved)  # a plain name hides the property that it is called like


def _book(gateway: Any, shipment: dict[str, Any]) -> dict[str, Any]:
    sdk: Any = importlib.import_module("karrio.sdk")
    models: Any = importlib.import_module("karrio.core.models")
    found, messages = sdk.Shipment.create(models.ShipmentRequest(**shipment)).from_(gateway).parse()
    booked = None
    if found is not None:
        meta = found.meta or {}
        booked = {
            "tracking_no": found.tracking_number, "label": getattr(found.docs, "label", None) or "",
            "label_type": found.label_type or "", "tracking_url": str(meta.get("carrier_tracking_link") or ""),
        }  # fmt: skip
    return {"booked": booked, "messages": _told(messages)}


def _words(gateway: Any, tracking_no: str) -> dict[str, Any]:
    sdk: Any = importlib.import_module("karrio.sdk")
    models: Any = importlib.import_module("karrio.core.models")
    asked = models.TrackingRequest(tracking_numbers=[tracking_no])
    found, messages = sdk.Tracking.fetch(asked).from_(gateway).parse()
    events = [
        {"status": one.status or "", "code": one.code or "", "at": one.timestamp or "",
         "text": one.description or "", "place": one.location or ""}
        for details in found or []
        for one in details.events or []
    ]  # fmt: skip
    return {"words": events, "messages": _told(messages)}


def _told(messages: Any) -> list[tuple[str, str]]:
    return [(str(one.code or ""), str(one.message or "")) for one in messages or []]


def main() -> int:
    """Read, limit, ask, write."""
    asked = json.load(sys.stdin)
    answer, sys.stdout = sys.stdout, sys.stderr  # nothing that a library prints gets into the answer
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    try:
        gateway = _connect(asked)
        said = _book(gateway, asked["shipment"]) if "shipment" in asked else _words(gateway, asked["tracking_no"])
    except Exception as error:  # noqa: BLE001  # whatever a library of many carriers raises: nobody knows what was done
        messages = _told(getattr(error, "messages", None))
        said = {"messages": messages} if messages else {"failed": type(error).__name__}
    json.dump(said, answer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
