"""HTTP of hand-offs: a television makes one, a phone uses it."""

import base64
import io
import secrets
from typing import Annotated, Any, Literal

import segno
from fastapi import Cookie, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from cloud_relay.accounts import service as accounts
from cloud_relay.accounts.routes import signed_in_answer
from cloud_relay.handoffs import rules, service
from cloud_relay.handoffs.rules import Purpose
from cloud_relay.intake.rules import take_in
from cloud_relay.orders.routes import OrderBody, place
from cloud_relay.relay import RelayDep
from cloud_relay.web.idempotency import ClaimDep
from cloud_relay.web.principal import Anyone, FromHere, SignedIn, account_id_of
from cloud_relay.web.routing import Router

router = Router(prefix="/api/handoffs")

PHONE_COOKIE = "vitrine_phone"
PHONE_DAYS = 1
Phone = Annotated[str, Cookie(alias=PHONE_COOKIE, max_length=100)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MakeBody(_Body):
    """What the phone is to do, and with which parcel or viewing session."""

    purpose: Purpose
    subject: str = Field(default="", max_length=64)


class WordsBody(_Body):
    """What to search for."""

    text: str = Field(max_length=2000)


Speed = Annotated[float, Field(ge=-1, le=1)]


class PressBody(_Body):
    """One press on the phone: hold a motion (shares of the fastest), stop, or go to a face."""

    kind: Literal["hold", "stop", "face"]
    pan: Speed = 0.0
    tilt: Speed = 0.0
    zoom: Speed = 0.0
    turn: Speed = 0.0
    face: str = Field(default="", max_length=40)


class ClaimBody(_Body):
    """The screen that made the hand-off proves itself."""

    handoff_id: str = Field(max_length=64)
    screen: str = Field(max_length=100)


def new_phone() -> str:
    """Return a fresh name by which a phone is known again."""
    return secrets.token_urlsafe(18)


def _qr(link: str) -> str:
    out = io.BytesIO()
    segno.make(link, error="m", micro=False).save(out, kind="svg", scale=8, border=2, dark="#0f1a2b", light="#ffffff")
    return "data:image/svg+xml;base64," + base64.b64encode(out.getvalue()).decode()


@router.post("", status_code=201)
async def make(body: MakeBody, relay: RelayDep, principal: Anyone) -> dict[str, Any]:
    """Make a hand-off; the answer holds the link, and the link as a picture to scan."""
    now = relay.clock.now()
    made = await relay.db.run(service.make, body.purpose, body.subject, principal.account_id, now)
    link = f"{relay.settings.relay.public_url}/h/{made.secret}"
    return {
        "handoff_id": made.handoff_id, "link": link, "qr": _qr(link), "code": rules.code_of(made.handoff_id),
        "screen": made.screen if body.purpose is Purpose.SIGN_IN else "", "expires_until": made.expires_until,
    }  # fmt: skip


@router.post("/claim")
async def claim(body: ClaimBody, relay: RelayDep, _: FromHere) -> JSONResponse:
    """Sign this screen in once the phone has let it."""

    def sign_in(connection: Connection) -> accounts.NewSignIn:
        now = relay.clock.now()
        account_id = service.claim(connection, body.handoff_id, body.screen, now)
        return accounts.begin_sign_in(connection, account_id, relay.settings.accounts, now)

    return signed_in_answer(relay, await relay.db.run(sign_in), 200)


@router.post("/{secret}/order", status_code=201)
async def order(
    secret: str, body: OrderBody, relay: RelayDep, claim: ClaimDep, _: FromHere, phone: Phone = ""
) -> Response:
    """Address and payment of the reserved piece on the television; needs no sign-in on the phone, works once."""
    now = relay.clock.now()
    seen = await relay.db.read(service.look, secret, phone, now)
    if seen["purpose"] != Purpose.ORDER or seen["subject"] != body.parcel_id or body.listing_id:
        raise rules.ended()

    def also(connection: Connection, order_id: str) -> None:
        used = service.use(connection, secret, Purpose.ORDER, phone, now)
        service.tell(connection, used, "go", {"path": f"/orders/{order_id}"}, now)

    return await place(relay, str(seen["account_id"]), body, claim, also)


@router.post("/{secret}/words", status_code=202)
async def words(secret: str, body: WordsBody, relay: RelayDep, _: FromHere, phone: Phone = "") -> dict[str, str]:
    """Type on the phone what the television searches for."""
    wish = take_in(body.text)
    await relay.db.run(service.send_words, secret, phone, wish.address, relay.clock.now())
    return {"query": wish.query}


@router.post("/{secret}/steer", status_code=202)
async def steer(secret: str, body: PressBody, relay: RelayDep, _: FromHere, phone: Phone = "") -> dict[str, str]:
    """Steer the television's camera from the phone."""
    await relay.db.run(service.steer, secret, phone, body.model_dump(), relay.clock.now())
    return {"kind": body.kind}


@router.post("/{secret}/let-in", status_code=202)
async def let_in(secret: str, relay: RelayDep, principal: SignedIn, phone: Phone = "") -> dict[str, str]:
    """Let the television into one's own account."""
    await relay.db.run(service.let_in, secret, phone, account_id_of(principal), relay.clock.now())
    return {"state": "let_in"}
