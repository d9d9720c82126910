"""The rooms of the relay, one line each: what they serve over HTTP, what they hear from shops, what they do by the clock.

A room joins by adding its router to ROUTERS; `join(relay)` in JOINS adds its handlers to `relay.link`; an endless
`work(relay)` in TASKS runs beside the others, and ends the process if it fails.
"""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter

from cloud_relay.relay import Relay
from cloud_relay.web import events, health

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    events.router,
)

DOOR_ROUTERS: tuple[APIRouter, ...] = ()
"""What shop boxes reach over TLS at the shop door."""

JOINS: tuple[Callable[[Relay], None], ...] = ()

TASKS: tuple[Callable[[Relay], Awaitable[None]], ...] = ()
