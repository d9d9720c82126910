"""Routes that are worked out when they are first asked for: all of ours can be, and until then nothing is lost."""

import copy
from typing import Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel

from cloud_relay import rooms
from cloud_relay.web.routing import LateRoute, Router, share

OURS = (*rooms.ROUTERS, *rooms.DOOR_ROUTERS)


class Wish(BaseModel):
    count: int


def app_of(*routers):
    app = FastAPI(openapi_url="/openapi.json")
    share(app, routers)
    return app


async def ask(app, method, path, **options):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://relay") as http:
        return await http.request(method, path, **options)


def is_worked_out(route):
    return "dependant" in vars(route)


@pytest.fixture
def cups():
    """Return a router with routes like ours."""
    router = Router(prefix="/cups")

    def doubled(cup_no: int) -> int:
        return 2 * cup_no

    @router.get("/none", name="nothing")
    async def none() -> dict:
        """Say that there is none."""
        return {"cups": 0}

    @router.get("/{cup_no}")
    async def one(cup_no: int, twice: Annotated[int, Depends(doubled)], colour: str = "blue") -> dict:
        return {"cup": cup_no, "twice": twice, "colour": colour}

    @router.post("/{cup_no}/wishes", status_code=201)
    async def wish(cup_no: int, body: Wish) -> dict:
        return {"cup": cup_no, "count": body.count}

    return router


def test_every_route_of_ours_waits_and_can_be_worked_out():
    routes = [route for router in OURS for route in router.routes if isinstance(route, APIRoute)]
    assert len(routes) > 300
    assert {type(route) for route in routes} == {LateRoute}, "a room's router is a cloud_relay.web.routing.Router"
    for route in routes:
        assert route.dependant.call is route.endpoint, route.path
        assert callable(route.app)


async def test_what_is_asked_for_is_worked_out_and_nothing_else(cups):
    app = app_of(cups)
    assert not any(is_worked_out(route) for route in cups.routes)
    assert (await ask(app, "GET", "/cups/7?colour=red")).json() == {"cup": 7, "twice": 14, "colour": "red"}
    assert [is_worked_out(route) for route in cups.routes] == [False, True, False]
    assert (await ask(app, "GET", "/cups/7")).json()["colour"] == "blue"
    made = await ask(app, "POST", "/cups/7/wishes", json={"count": 3})
    assert (made.status_code, made.json()) == (201, {"cup": 7, "count": 3})
    assert (await ask(app, "POST", "/cups/7/wishes", json={"count": "many"})).status_code == 422


async def test_what_stands_first_is_found_first(cups):
    assert (await ask(app_of(cups), "GET", "/cups/none")).json() == {"cups": 0}


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/cups", 404, None),
        ("GET", "/cups/7/wishes/2", 404, None),
        ("GET", "/cup", 404, None),
        ("GET", "/cups/nonesuch", 422, None),
        ("DELETE", "/cups/none", 405, "GET"),
        ("GET", "/cups/7/wishes", 405, "POST"),
        ("GET", "/cups/none/", 307, None),
    ],
)
async def test_what_is_not_there_is_told_as_ever(cups, method, path, status, allow):
    answer = await ask(app_of(cups), method, path)
    assert (answer.status_code, answer.headers.get("allow")) == (status, allow)


async def test_a_path_below_a_mount_is_found(cups):
    outer = FastAPI()
    outer.mount("/market", app_of(cups))
    assert (await ask(outer, "GET", "/market/cups/none")).json() == {"cups": 0}
    assert (await ask(outer, "GET", "/market/cups/8")).json()["cup"] == 8
    assert (await ask(outer, "GET", "/cups/8")).status_code == 404


async def test_the_description_of_the_api_is_the_same_as_of_routes_made_at_once(cups):
    eager = FastAPI()
    for route in cups.routes:
        eager.add_api_route(
            route.path, route.endpoint, methods=list(route.methods), name=route.name, status_code=route.status_code
        )
    assert (await ask(app_of(cups), "GET", "/openapi.json")).json() == eager.openapi()


async def test_one_route_serves_several_applications(cups):
    first, second = app_of(cups), app_of(cups)
    for app in (first, second):
        assert (await ask(app, "GET", "/cups/3")).json()["twice"] == 6


def test_a_copy_is_worked_out_by_itself(cups):
    twin = copy.copy(cups.routes[0])
    assert twin.dependant.call is cups.routes[0].endpoint
    assert not is_worked_out(cups.routes[0])


class NoType:
    """Nothing that a request could bring."""


@pytest.mark.parametrize("wrong", [NoType, object()], ids=["refused", "FastAPI itself fails"])
def test_a_wrong_declaration_is_told_at_each_look(wrong):
    router = Router()

    @router.get("/wrong")
    async def answer(thing: wrong):
        return {}

    for _ in range(2):
        with pytest.raises(RuntimeError, match="/wrong"):
            assert router.routes[0].dependant
