"""The pages on which people look, choose and have an account: home, search, listing, viewing, merchant, account."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection

from cloud_relay import muting
from cloud_relay.accounts import addresses
from cloud_relay.accounts import service as accounts
from cloud_relay.announcements import reading as announced
from cloud_relay.bookings import store as bookings
from cloud_relay.bookings.routes import booking_json
from cloud_relay.catalog import reading, spins
from cloud_relay.catalog import store as catalog_store
from cloud_relay.intake import service as intake
from cloud_relay.intake.rules import take_in
from cloud_relay.notices import service as notices
from cloud_relay.notices.routes import choices_json, quiet_json
from cloud_relay.notices.store import quiet_of
from cloud_relay.on_site import reading as on_site
from cloud_relay.owners import reading as owners
from cloud_relay.pages.addresses import COUNTRIES, NO_ADDRESS
from cloud_relay.pages.local_path import HOME, local_path
from cloud_relay.rebates import store as rebates
from cloud_relay.relay import RelayDep
from cloud_relay.shipping.store import terms_of
from cloud_relay.viewing import store as viewing_store
from cloud_relay.viewing.colour_card import colour_of
from cloud_relay.web.principal import Anyone, Principal, SignedIn, account_id_of
from cloud_relay.web.problems import not_found
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import render

router = Router(include_in_schema=False)

CHANNELS_MAX = 12
"""Shops whose events a page of hits follows; the event stream takes a few more."""


def shop_channels(hits: list[dict[str, Any]]) -> str:
    """Return the channels of the shops behind these hits, so that the page follows their cameras and stock."""
    shops = dict.fromkeys(hit["shop"]["shop_id"] for hit in hits)
    return ",".join(f"shop:{shop_id}" for shop_id in list(shops)[:CHANNELS_MAX])


@router.get(HOME)
async def home(request: Request, relay: RelayDep, principal: Anyone) -> Response:
    """What the house is, and what stands in its cases now."""
    found = await relay.db.read(intake.find, take_in(""), principal.language, relay.clock.now())
    told = await relay.db.read(announced.on_home, relay.clock.now())
    channels = shop_channels(found["hits"])
    return render(request, principal, "home.html", is_kept=True, **found, channels=channels, announcements=told)


@router.get("/search")
async def search(
    request: Request,
    relay: RelayDep,
    principal: Anyone,
    q: Annotated[str, Query(max_length=2000)] = "",
    page: Annotated[int, Query(ge=1, le=reading.PAGES_MAX)] = 1,
) -> Response:
    """What was found, in Chinese or English, each with whether it can be looked at now; a code leads to its page."""
    wish = take_in(q, page, our_host=request.url.netloc)
    if wish.path:
        return RedirectResponse(wish.path, 303)
    found = await relay.db.read(intake.find, wish, principal.language, relay.clock.now())
    return render(request, principal, "search.html", is_kept=True, **found, channels=shop_channels(found["hits"]))


@router.get("/l/{listing_id}")
async def listing(
    listing_id: str, request: Request, relay: RelayDep, principal: Anyone,
    variant: Annotated[str, Query(max_length=64)] = "", tag: Annotated[str, Query(max_length=64)] = "",
) -> Response:  # fmt: skip
    """One listing with its styles and the pieces that stand in the shop; a tag leads here with its style chosen."""
    found = await relay.db.read(
        reading.read_listing, listing_id, principal.merchant_ids, relay.clock.now(), is_operator=principal.is_operator
    )
    shown: dict[str, Any] = {
        "chosen": chosen_variant(found["variants"], variant),
        "names": {one["variant_id"]: one["name"] for one in found["variants"]},
        "most": relay.settings.trade.reservations_per_account, "is_by_tag": bool(tag),
    }  # fmt: skip
    terms = await relay.db.read(terms_of, found["shop"]["shop_id"])
    shown["ships_by_list"] = bool(terms.zones)
    shown |= await relay.db.read(
        on_site.beside_goods, principal.account_id, found["shop"]["shop_id"], relay.clock.now(), listing_id=listing_id,
        tag=tag,
    )  # fmt: skip
    shown["owners"] = await relay.db.read(owners.of_listing, listing_id, principal.account_id, relay.clock.now())
    return render(request, principal, "listing.html", is_kept=True, listing=found, **shown)


def chosen_variant(variants: list[dict[str, Any]], wished: str) -> str:
    """Return the wished variant, else the first that can be had, else the first."""
    ids = [one["variant_id"] for one in variants]
    in_stock = [one["variant_id"] for one in variants if one["in_stock"] > 0]
    return wished if wished in ids else next(iter(in_stock or ids), "")


def _piece_to_look_at(connection: Connection, piece_id: str, principal: Principal, now: datetime) -> dict[str, Any]:
    piece = viewing_store.find_piece(connection, piece_id)
    if piece is None:
        raise not_found()
    shown = reading.read_listing(
        connection, piece["listing_id"], principal.merchant_ids, now, is_operator=principal.is_operator
    )
    width_mm = (piece["spot"] or {}).get("view_width_mm")
    spin = spins.spins_of(connection, [piece]).get(piece_id)
    colour = colour_of(connection, piece["shop_id"], piece_id, piece["spot"])
    about = {"piece_id": piece_id, "code": piece["code"], "view_width_mm": width_mm, "spin": spin, "colour": colour}
    own = [one for one in shown["variants"] if one["variant_id"] and one["variant_id"] == piece["variant_id"]]
    about |= {"is_sample": piece["state"] == "sample", "variant": own[0] if own else None}
    return {"piece": about, "listing": shown}


@router.get("/look")
async def look_by_query(piece: Annotated[str, Query(max_length=64)]) -> Response:
    """As `/look/{piece_id}`, for links that carry the piece as a parameter."""
    return RedirectResponse(f"/look/{piece}" if piece.isascii() and "/" not in piece else HOME, 303)


@router.get("/look/{piece_id}")
async def look(piece_id: str, request: Request, relay: RelayDep, principal: Anyone) -> Response:
    """The viewing page of one piece."""
    found = await relay.db.read(_piece_to_look_at, piece_id, principal, relay.clock.now())
    return render(request, principal, "look.html", **found)


def _shop(connection: Connection, shop_id: str, now: datetime) -> dict[str, Any]:
    shop = reading.read_shop(connection, shop_id, frozenset(), now)
    if shop["is_closed"]:
        raise not_found()
    rows = catalog_store.listings_of(connection, [shop_id])
    published = [row["listing_id"] for row in rows if row["state"] == "published"]
    return {"shop": shop, "hits": reading.hits(connection, published[: reading.PAGE_SIZE], now)}


@router.get("/s/{shop_id}")
async def shop(shop_id: str, request: Request, relay: RelayDep, principal: Anyone) -> Response:
    """A shop as everybody sees it: its story, its hours and what it shows."""
    found = await relay.db.read(_shop, shop_id, relay.clock.now())
    found |= await relay.db.read(on_site.beside_goods, principal.account_id, shop_id, relay.clock.now())
    return render(request, principal, "shop.html", is_kept=True, **found)


@router.get("/sign-in")
async def sign_in(
    request: Request, principal: Anyone, wish: Annotated[str, Query(alias="next", max_length=1000)] = HOME
) -> Response:
    """Sign in and go on to where one came from."""
    if principal.account_id is not None:
        return RedirectResponse(local_path(wish), 303)
    return render(request, principal, "sign_in.html", next=local_path(wish))


@router.get("/sign-up")
async def sign_up(
    request: Request, principal: Anyone, wish: Annotated[str, Query(alias="next", max_length=1000)] = HOME
) -> Response:
    """Make an account and go on to where one came from."""
    if principal.account_id is not None:
        return RedirectResponse(local_path(wish), 303)
    return render(request, principal, "sign_up.html", next=local_path(wish))


def _account(connection: Connection, account_id: str, csrf: str, now: datetime) -> dict[str, Any]:
    found = accounts.me(connection, account_id, csrf)
    told = notices.notices_of(connection, account_id)
    return {
        "account": found,
        "merchants": [{**one, "name": {"en": one["name_en"], "zh": one["name_zh"]}} for one in found["merchants"]],
        "addresses": addresses.list_addresses(connection, account_id),
        "deleted_addresses": addresses.deleted_addresses(connection, account_id, now),
        "quiet": quiet_json(quiet_of(connection, account_id)),
        "notices": [
            {**one, "text": {"en": one["text_en"], "zh": one["text_zh"]}, "link": local_path(one["link"])}
            for one in told["notices"]
        ],
        "unread": told["unread"],
        "topics": choices_json(connection, account_id),
        "has_rebates": rebates.is_on_anywhere(connection) or rebates.find_account(connection, account_id) is not None,
        "mutes": muting.list_of(connection, account_id),
        "bookings": [booking_json(one) for one in bookings.ahead_of(connection, account_id, now)],
    }


@router.get("/account")
async def account(request: Request, relay: RelayDep, principal: SignedIn) -> Response:
    """Messages, addresses, password, and selling."""
    found = await relay.db.read(_account, account_id_of(principal), principal.csrf, relay.clock.now())
    found |= {"push_key": relay.notices.push_key, "has_mail": relay.notices.has_mail}
    return render(request, principal, "account.html", **found, countries=COUNTRIES, no_address=NO_ADDRESS)
