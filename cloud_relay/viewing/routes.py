"""HTTP of viewing: sessions, passes, WHEP, the fallback rungs, questions."""

import base64
from typing import Annotated, Any

from fastapi import Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from cloud_relay.accounts.roles import Deed, check_reach
from cloud_relay.relay import Relay, RelayDep
from cloud_relay.viewing import service
from cloud_relay.viewing.rules import FRAGMENT_BYTES_MAX, OFFER_BYTES_MAX, PASS_LIFE_S
from cloud_relay.web.principal import Anyone, SignedIn, account_id_of
from cloud_relay.web.problems import Problem, not_found
from cloud_relay.web.routing import Router
from wire.codec import from_json, to_json
from wire.commands import AddCandidate, CloseStream, SteerCamera, Steering, TakeCamera

router = Router()


class AskBody(BaseModel):
    """Ask to look at a piece; `watch_only` never steers; without `waits` one may still be handed a turn.

    `offer_sdp` is a WHEP offer that goes to the shop along with the ask: its answer is at `stream_url` of the grant.
    With `first_picture` the first still comes with the answer (`still`, JPEG in base64), and the SDP answer stands in
    the grant (`answer_sdp`), if they follow the shop's word closely.
    """

    model_config = ConfigDict(extra="forbid")
    piece_id: str = Field(max_length=64)
    watch_only: bool = False
    waits: bool = True
    offer_sdp: str = Field(default="", max_length=OFFER_BYTES_MAX)
    first_picture: bool = False


class StillsBody(BaseModel):
    """Start the fallback rung with a pass."""

    model_config = ConfigDict(extra="forbid")
    viewing_pass: str = Field(max_length=100)
    width_px: int = Field(default=640, ge=160, le=1280)


class QuestionBody(BaseModel):
    """A question to the attendant: one of the ready ones, or a text."""

    model_config = ConfigDict(extra="forbid")
    kind: str = Field(pattern="^(open_it|measure_it|show_inside|text)$")
    text: str = Field(default="", max_length=300)


class TakeBody(BaseModel):
    """The merchant takes a camera over, for `session_id` of their own; whoever steered reads the reason."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(default="", max_length=200)
    session_id: str = Field(default="", max_length=64)


def join(relay: Relay) -> None:
    """Have the link bring the viewing room what concerns it."""
    relay.viewing.attach()


def session_document(session: dict[str, Any], questions: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what a page may know of its session."""
    return {
        **session["answer"],
        "session_id": session["session_id"],
        "piece_id": session["piece_id"],
        "shop_id": session["shop_id"],
        "camera": session["camera"],
        "state": session["state"],
        "may_steer": session["may_steer"],
        "end_reason": session["end_reason"],
        "questions": [
            {name: row[name] for name in ("question_id", "kind", "text", "answer")} for row in questions
        ],
    }  # fmt: skip


@router.post("/api/viewing", status_code=201)
async def ask_to_look(body: AskBody, relay: RelayDep, principal: Anyone) -> dict[str, Any]:
    """Ask a shop to look at a piece; answers with the shop's word within three seconds, whatever it is.

    While the session is open the first viewing pass comes with it as `grant`: the picture need not wait for another
    request.
    """
    looked = await relay.viewing.ask_to_look(
        principal.account_id, principal.nickname, body.piece_id, principal.language, may_steer=not body.watch_only,
        merchant_ids=principal.reach(Deed.TEACH), waits=body.waits, offer_sdp=body.offer_sdp,
    )  # fmt: skip
    document: dict[str, Any] = {**session_document(looked.session, []), "grant": None}
    if not looked.viewing_pass:
        return document
    grant = document["grant"] = _granted(relay, looked.session["session_id"], looked.viewing_pass)
    grant |= {"stream_url": f"/whep/streams/{looked.stream_id}"} if looked.stream_id else {}
    if body.first_picture:
        still, opened = await relay.viewing.first_picture(looked)
        document |= {"still": {"jpeg": base64.b64encode(still.jpeg).decode(), "age_s": still.age_s}} if still else {}
        grant |= {"answer_sdp": opened.answer_sdp} if opened else {}
    return document


@router.get("/api/viewing/{session_id}")
async def read_session(session_id: str, relay: RelayDep, principal: Anyone) -> dict[str, Any]:
    """Return a session as it is now, with its questions."""
    session, questions = await relay.db.read(service.read_session, session_id, principal.account_id)
    return session_document(session, questions)


@router.delete("/api/viewing/{session_id}", status_code=204)
async def leave(session_id: str, relay: RelayDep, principal: Anyone) -> Response:
    """Leave: the camera is free for the next."""
    await relay.viewing.leave(session_id, principal.account_id)
    return Response(status_code=204)


@router.post("/api/viewing/{session_id}/leave", status_code=204)
async def leave_by_beacon(session_id: str, relay: RelayDep, principal: Anyone) -> Response:
    """As DELETE, for `navigator.sendBeacon`, which can only POST."""
    await relay.viewing.leave(session_id, principal.account_id)
    return Response(status_code=204)


@router.post("/api/viewing/{session_id}/pass", status_code=201)
async def give_pass(session_id: str, relay: RelayDep, principal: Anyone) -> dict[str, Any]:
    """Return a viewing pass: the bearer token of one WHEP stream or one run of stills."""
    text = await relay.db.run(service.give_pass, session_id, principal.account_id, relay.clock.now())
    return _granted(relay, session_id, text)


def _granted(relay: Relay, session_id: str, text: str) -> dict[str, Any]:
    servers = relay.viewing.ice_servers(session_id)
    return {"pass": text, "whep_url": f"/whep/{session_id}", "expires_s": PASS_LIFE_S, "ice_servers": servers}


def _bearer(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Problem(
            401, "pass_needed", "A viewing pass is needed", "需要看货凭证", headers={"WWW-Authenticate": "Bearer"}
        )
    return token.strip()


async def _text_body(request: Request, media_type: str, bytes_max: int) -> str:
    if request.headers.get("content-type", "").partition(";")[0].strip() != media_type:
        raise Problem(415, "wrong_media_type", f"Send {media_type}", f"请发送 {media_type}")
    body = await request.body()
    if len(body) > bytes_max:
        raise Problem(413, "too_large", f"At most {bytes_max} bytes", f"最多 {bytes_max} 字节")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Problem(422, "bad_body", "The body is not UTF-8", "内容不是 UTF-8") from None


Authorization = Annotated[str, Header()]


@router.post("/whep/{session_id}", status_code=201)
async def open_stream(
    session_id: str, request: Request, relay: RelayDep, authorization: Authorization = ""
) -> Response:
    """WHEP (draft-ietf-wish-whep): an SDP offer in, the shop's SDP answer out; Location names the stream."""
    offer = await _text_body(request, "application/sdp", OFFER_BYTES_MAX)
    opened = await relay.viewing.open_stream(session_id, _bearer(authorization), offer)
    headers = {"Location": f"/whep/streams/{opened.stream_id}", "Cache-Control": "no-store"}
    return Response(opened.answer_sdp, 201, headers, media_type="application/sdp")


@router.get("/whep/streams/{stream_id}")
async def read_answer(stream_id: str, relay: RelayDep, authorization: Authorization = "") -> Response:
    """Return the shop's SDP answer to an offer that went along with the ask, once; its pass is that of the ask."""
    await relay.db.read(service.stream_of_pass, _bearer(authorization), stream_id)
    opened = await relay.viewing.answer_of(stream_id)
    return Response(opened.answer_sdp, headers={"Cache-Control": "no-store"}, media_type="application/sdp")


@router.patch("/whep/streams/{stream_id}", status_code=204)
async def add_candidate(
    stream_id: str, request: Request, relay: RelayDep, authorization: Authorization = ""
) -> Response:
    """WHEP trickle: candidates as an RFC 8840 fragment."""
    session = await relay.db.read(service.stream_of_pass, _bearer(authorization), stream_id)
    fragment = await _text_body(request, "application/trickle-ice-sdpfrag", FRAGMENT_BYTES_MAX)
    await relay.viewing.tell_shop(session, AddCandidate(stream_id=stream_id, sdp_fragment=fragment))
    return Response(status_code=204)


@router.delete("/whep/streams/{stream_id}", status_code=200)
async def close_stream(stream_id: str, relay: RelayDep, authorization: Authorization = "") -> Response:
    """WHEP: end one stream; the session and its turn go on for six seconds."""
    session = await relay.db.read(service.stream_of_pass, _bearer(authorization), stream_id)
    await relay.viewing.tell_shop(session, CloseStream(stream_id=stream_id))
    return Response(status_code=200)


@router.post("/api/viewing/{session_id}/stills", status_code=202)
async def open_stills(session_id: str, body: StillsBody, relay: RelayDep) -> dict[str, Any]:
    """Start the fallback rung: pictures follow at `…/frame.jpg` and on the WebSocket `…/frames`."""
    await relay.viewing.open_stills(session_id, body.viewing_pass, body.width_px)
    return {"frames_url": f"/api/viewing/{session_id}/frames"}


@router.post("/api/viewing/{session_id}/steer", status_code=202)
async def steer(session_id: str, request: Request, relay: RelayDep, principal: SignedIn) -> dict[str, Any]:
    """Steer on the fallback rung: the body is one Steering as on the data channel."""
    session = await relay.db.read(service.own_session, session_id, account_id_of(principal))
    steering: Steering = from_json(Steering, await request.json())
    await relay.viewing.tell_shop(session, SteerCamera(session_id=session_id, steering=steering))
    return {"sequence": steering.sequence}


@router.post("/api/viewing/{session_id}/questions", status_code=201)
async def ask_attendant(session_id: str, body: QuestionBody, relay: RelayDep, principal: SignedIn) -> dict[str, Any]:
    """Ask the attendant while looking; the answer comes as a page event `question_answered`."""
    question_id = await relay.db.run(
        service.ask_attendant, session_id, principal.account_id, body.kind, body.text, relay.clock.now()
    )
    return {"question_id": question_id}


@router.post("/api/shops/{shop_id}/cameras/{camera}/take", status_code=202)
async def take_camera(
    shop_id: str, camera: str, body: TakeBody, relay: RelayDep, principal: SignedIn
) -> dict[str, Any]:
    """The merchant takes a camera over, with a reason that the one who steers reads."""
    merchant_id = await relay.db.read(service.merchant_of_shop, shop_id)
    if merchant_id is None or not check_reach(principal.reach(Deed.TEACH), merchant_id):
        raise not_found()
    await relay.link.send_transient(shop_id, TakeCamera(camera=camera, reason=body.reason, session_id=body.session_id))
    return {"camera": camera}


@router.get("/api/shops/{shop_id}/cameras/{camera}")
async def read_camera(shop_id: str, camera: str, relay: RelayDep) -> dict[str, Any]:
    """Return a camera's line: whether it can be looked through, who waits. Anybody may know."""
    state = await relay.db.read(service.camera_of_shop, shop_id, camera)
    if state is None:
        raise not_found()
    document: dict[str, Any] = to_json(state)
    return {name: document[name] for name in ("can_view", "reason", "waiting", "spectators", "wait_s", "can_steer")}
