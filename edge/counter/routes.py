"""The till over HTTP, beside the attendant's page: sign-in by member, the sale, the receipt, new goods."""

import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import segno
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from edge.attendant.doors import SESSION_S, SIGN_IN_PAGE, PinLockedError
from edge.counter.basket import TillRefusedError
from edge.counter.counter import Counter, Draft, refusal_text
from edge.counter.doors import COOKIE, MemberDoor
from edge.page_http import KEEP_ALIVE_S, BadBodyError, Body, json_body, problem, text_of, whole_of
from wire.plan import Text, TillMember
from wire.values import BadValueError

STATIC = Path(__file__).parent / "static"

Deed = Callable[[TillMember, Body], Awaitable[Any]]


def till_routes(counter: Counter, door: MemberDoor) -> list[BaseRoute]:
    """Return every address of the till; all of them begin with /till."""
    api = _Api(counter, door)
    return [
        Route("/till", api.page),
        Route("/till/sign-in", api.sign_in_page),
        Route("/till/api/members", api.members),
        Route("/till/api/sign-in", api.sign_in, methods=["POST"]),
        Route("/till/api/sign-out", api.sign_out, methods=["POST"]),
        Route("/till/api/state", api.state),
        Route("/till/api/events", api.events),
        Route("/till/api/qr.svg", api.qr),
        Route("/till/api/pictures/{sha256}", api.picture),
        *(Route(f"/till/api/{name}", api.deed(name), methods=["POST"]) for name in api.deeds),
        Mount("/till/static", StaticFiles(directory=STATIC)),
    ]


def _text(body: Body, key: str, length_max: int = 300) -> str:
    """Return one text of a body, empty when it is missing."""
    return text_of(body, key, length_max, "")


class _Api:
    def __init__(self, counter: Counter, door: MemberDoor) -> None:
        self._counter = counter
        self._till, self._together = counter.till, counter.till.together
        self._door = door
        self.deeds: dict[str, Deed] = {
            "scan": self._scan,
            "quantity": self._quantity,
            "shopper": self._add_shopper,
            "choose": self._choose,
            "remove": self._remove,
            "move": self._move,
            "pay-each": self._pay_each,
            "take-back": self._take_back,
            "undo": self._undo,
            "pay": self._pay,
            "answer": self._answer,
            "give-up": self._give_up,
            "receipt": self._receipt,
            "refund": self._refund,
            "picture": self._take_picture,
            "listing": self._listing,
        }

    def _member(self, request: Request) -> TillMember | None:
        return self._door.who(request.cookies.get(COOKIE, ""))

    async def page(self, request: Request) -> Response:
        if self._member(request) is None:
            return RedirectResponse("/till/sign-in", 303)
        return FileResponse(STATIC / "till.html")

    async def sign_in_page(self, _request: Request) -> Response:
        return FileResponse(SIGN_IN_PAGE)

    async def members(self, _request: Request) -> Response:
        shown = [{"account_id": one.account_id, "name": one.name} for one in self._door.members()]
        return JSONResponse({"members": shown})

    async def sign_in(self, request: Request) -> Response:
        try:
            body = await json_body(request)
            account_id, pin = _text(body, "account_id", 64), _text(body, "pin", 12)
            made = await self._door.sign_in(account_id, pin)
        except BadBodyError as error:
            return _bad(error)
        except PinLockedError as error:
            wait_s = int(error.wait_s) + 1
            words = Text(en=f"Too many wrong PINs: wait {wait_s} s", zh=f"密码错误次数过多，请等待 {wait_s} 秒")
            return problem(429, "locked", words, {"retry-after": str(wait_s)})
        if made is None:
            return problem(403, "wrong_pin", Text(en="This is not the PIN", zh="密码不正确"))
        self._counter.somebody_is_here(self._door.who(made))
        answer = JSONResponse({"ok": True})
        answer.set_cookie(COOKIE, made, max_age=SESSION_S, httponly=True, samesite="strict", path="/till")
        return answer

    async def sign_out(self, _request: Request) -> Response:
        self._counter.somebody_is_here(None)
        answer = JSONResponse({"ok": True})
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict", path="/till")
        return answer

    async def state(self, request: Request) -> Response:
        member = self._member(request)
        if member is None:
            return _signed_out()
        self._counter.somebody_is_here(member)
        return JSONResponse(await self._counter.state(member))

    async def events(self, request: Request) -> Response:
        member = self._member(request)
        if member is None:
            return _signed_out()
        self._counter.somebody_is_here(member)
        return StreamingResponse(self._changes(member, request), media_type="text/event-stream")

    async def _changes(self, member: TillMember, request: Request) -> AsyncIterator[bytes]:
        """Send the whole state now and whenever it changed, until the sign-in ends."""
        version = -1
        while self._member(request) is not None:
            if self._counter.version != version:
                version = self._counter.version
                yield b"event: state\ndata: " + json.dumps(await self._counter.state(member)).encode() + b"\n\n"
            else:
                yield b": still here\n\n"
            await self._counter.wait_change(version, KEEP_ALIVE_S)
        yield b"event: signed_out\ndata: {}\n\n"

    async def qr(self, request: Request) -> Response:
        if self._member(request) is None:
            return _signed_out()
        try:
            code = await self._till.code_to_show(request.query_params.get("sale_id", "")[:64])
        except TillRefusedError as error:
            return _refused(error)
        if not code:
            return problem(404, "gone", Text(en="No code is shown for this payment", zh="此付款没有二维码"))
        drawing = io.BytesIO()
        segno.make(code, error="m", micro=False).save(drawing, kind="svg", scale=8, border=4)
        return Response(drawing.getvalue(), media_type="image/svg+xml")

    async def picture(self, request: Request) -> Response:
        sha256 = request.path_params["sha256"]
        is_name = len(sha256) == 64 and sha256.isalnum()
        jpeg = await self._counter.around.pictures.read(sha256) if is_name and self._member(request) else None
        if jpeg is None:
            return problem(404, "gone", Text(en="No such picture", zh="没有这张照片"))
        return Response(jpeg, media_type="image/jpeg")

    def deed(self, name: str) -> Callable[[Request], Awaitable[Response]]:
        """Return the address of one deed: signed in, JSON in, JSON out, refusals as sentences."""

        async def do(request: Request) -> Response:
            member = self._member(request)
            if member is None:
                return _signed_out()
            try:
                answer = await self.deeds[name](member, await json_body(request))
            except (BadBodyError, BadValueError) as error:
                return _bad(error)
            except TillRefusedError as error:
                self._counter.changed()  # what is spoken of, a price say, may not stand on the page yet
                return _refused(error)
            return JSONResponse(answer if isinstance(answer, dict) else {"ok": True})

        return do

    async def _scan(self, member: TillMember, body: Body) -> None:
        await self._counter.scan(_text(body, "text"), member.account_id)

    async def _quantity(self, _member: TillMember, body: Body) -> None:
        await self._till.set_quantity(_text(body, "sale_id", 64), whole_of(body, "line_no"), whole_of(body, "quantity"))

    async def _pay(self, member: TillMember, body: Body) -> None:
        device, shown_minor = _text(body, "device", 64), whole_of(body, "shown_minor")
        await self._till.pay(_text(body, "sale_id", 64), device, member.account_id, shown_minor)

    async def _add_shopper(self, _member: TillMember, body: Body) -> None:
        await self._together.add_shopper(_text(body, "sale_id", 64))

    async def _choose(self, _member: TillMember, body: Body) -> None:
        await self._together.choose(_text(body, "sale_id", 64), whole_of(body, "shopper"))

    async def _remove(self, _member: TillMember, body: Body) -> None:
        await self._together.remove(_text(body, "sale_id", 64), whole_of(body, "shopper"))

    async def _move(self, _member: TillMember, body: Body) -> None:
        await self._together.move(_text(body, "sale_id", 64), whole_of(body, "line_no"), whole_of(body, "shopper"))

    async def _pay_each(self, _member: TillMember, body: Body) -> None:
        await self._together.pay_each(_text(body, "sale_id", 64), whole_of(body, "shown_minor"))

    async def _take_back(self, _member: TillMember, body: Body) -> None:
        await self._together.take_back(_text(body, "joint_id", 64))

    async def _undo(self, member: TillMember, body: Body) -> None:
        await self._counter.undo(member, _text(body, "joint_id", 64))

    async def _answer(self, _member: TillMember, body: Body) -> None:
        tendered_minor = whole_of(body, "tendered_minor")
        await self._till.answer(_text(body, "sale_id", 64), _text(body, "answer", 20), tendered_minor)

    async def _give_up(self, _member: TillMember, body: Body) -> None:
        await self._till.give_up(_text(body, "sale_id", 64))

    async def _receipt(self, _member: TillMember, body: Body) -> None:
        await self._counter.print_again(_text(body, "sale_id", 64))

    async def _refund(self, member: TillMember, body: Body) -> None:
        is_restocked = body.get("is_restocked") is True
        await self._counter.refund(member, _text(body, "sale_id", 64), is_restocked=is_restocked)

    async def _take_picture(self, _member: TillMember, body: Body) -> Body:
        return {"picture_sha256": await self._counter.take_picture(_text(body, "camera", 64))}

    async def _listing(self, member: TillMember, body: Body) -> Body:
        draft = Draft(
            title=Text(en=_text(body, "title_en"), zh=_text(body, "title_zh")),
            price_minor=whole_of(body, "price_minor"),
            currency=_text(body, "currency", 3),
            stock=whole_of(body, "stock"),
            code=_text(body, "code"),
            picture_sha256=_text(body, "picture_sha256", 64),
            is_published=body.get("is_published") is True,
        )
        draft_id = await self._counter.write_listing(member, draft)
        return {"draft_id": draft_id, "is_relay_near": self._counter.around.is_relay_near()}


def _signed_out() -> Response:
    return problem(401, "sign_in", Text(en="Sign in at the till first", zh="请先在收银台登录"))


def _refused(error: TillRefusedError) -> Response:
    return problem(409, error.reason, refusal_text(error.reason))


def _bad(error: Exception) -> Response:
    return problem(422, "bad_value", Text(en=str(error), zh=str(error)))
