"""HTTP of publishing quickly: tables of goods, changes of many listings, planned times."""

import asyncio
from typing import Annotated

from fastapi import File, Form, UploadFile
from fastapi.responses import JSONResponse, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from cloud_relay.accounts.roles import Deed
from cloud_relay.publishing import bulk, bulk_rules, imports, rules, schedule
from cloud_relay.publishing.bulk_rules import Rule, What
from cloud_relay.relay import RelayDep
from cloud_relay.web.idempotency import OnceDep
from cloud_relay.web.principal import SignedIn, account_id_of
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import MINOR_DIGITS

router = Router(prefix="/api")

TEMPLATE = (
    "sku,title_zh,title_en,price,on_hand,pieces,gtin,weight_g,description_zh,description_en,style,size,colour\r\n"
    "TEA-101,青瓷茶杯,Celadon cup,128.00,2,T-101 T-102,,180,龙泉青瓷,Longquan celadon,,,\r\n"
    "LIN-S,亚麻衬衫,Linen shirt,199.00,3,,,300,,,,S,白 White\r\n"
    "LIN-M,亚麻衬衫,Linen shirt,209.00,2,,,,,,,M,白 White\r\n"
)
"""What merchants begin with: a listing with its pieces' own codes, and one in two sizes whose pieces get codes."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ConfirmBody(_Body):
    """Whether the goods go on show at once; drafts otherwise."""

    is_published: bool = False


class BulkBody(_Body):
    """What is done to which listings."""

    what: What
    amount: int = Field(default=0, ge=-(10**13), le=10**13)
    listing_ids: list[str] = Field(max_length=bulk_rules.LISTINGS_MAX)


class ApplyBody(_Body):
    """The same with the versions that the preview showed, so that nothing unseen is changed."""

    what: What
    amount: int = Field(default=0, ge=-(10**13), le=10**13)
    versions: dict[str, int] = Field(max_length=bulk_rules.LISTINGS_MAX)


class TimesBody(_Body):
    """When a listing goes on show and off; one of them at least."""

    publish_at: AwareDatetime | None = None
    withdraw_at: AwareDatetime | None = None


@router.get("/goods-imports/template.csv", response_class=Response)
async def template() -> Response:
    """A table to begin with."""
    headers = {"Content-Disposition": 'attachment; filename="goods.csv"'}
    return Response("\ufeff" + TEMPLATE, headers=headers, media_type="text/csv; charset=utf-8")


@router.post("/goods-imports", status_code=201)
async def read_table(
    shop_id: Annotated[str, Form(max_length=64)], table: Annotated[UploadFile, File()], relay: RelayDep,
    principal: SignedIn,
) -> JSONResponse:  # fmt: skip
    """Read a table of goods and judge every line; nothing is written until it is confirmed."""
    may = principal.reach(Deed.LIST)
    currency, skus, codes = await relay.db.read(imports.shop_facts, may, shop_id)
    content = await table.read(rules.BYTES_MAX + 1)
    found = await asyncio.to_thread(imports.judge, content, MINOR_DIGITS.get(currency, 2), skus, codes)
    kept = await relay.db.run(
        imports.keep_read, may, account_id_of(principal), shop_id, table.filename or "", found, relay.clock.now()
    )
    return JSONResponse(kept, 201)


@router.get("/goods-imports/{import_id}")
async def preview_import(import_id: str, relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """What a table would become: its first rows and every fault by line."""
    return JSONResponse(await relay.db.read(imports.read, principal.reach(Deed.LIST), import_id))


@router.post("/goods-imports/{import_id}/confirm")
async def confirm_import(
    import_id: str, body: ConfirmBody, relay: RelayDep, once: OnceDep, principal: SignedIn
) -> JSONResponse:
    """Write a table's goods, all or none."""
    return await once(
        200, imports.confirm, principal.reach(Deed.LIST), import_id, relay.settings.relay.public_url,
        relay.clock.now(), is_published=body.is_published,
    )  # fmt: skip


@router.post("/goods-imports/{import_id}/undo")
async def undo_import(import_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Take the goods of an import out again while nobody touched them."""
    url = relay.settings.relay.public_url
    return await once(200, imports.undo, principal.reach(Deed.LIST), import_id, url, relay.clock.now())


@router.post("/shops/{shop_id}/bulk-preview")
async def preview_bulk(shop_id: str, body: BulkBody, relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """What a change would make of each listing; nothing is written."""
    rule = Rule(what=body.what, amount=body.amount)
    found = await relay.db.read(bulk.preview, principal.reach(_deed(body.what)), shop_id, body.listing_ids, rule)
    return JSONResponse(found)


@router.post("/shops/{shop_id}/bulk-changes", status_code=201)
async def apply_bulk(
    shop_id: str, body: ApplyBody, relay: RelayDep, once: OnceDep, principal: SignedIn
) -> JSONResponse:
    """Change many listings as previewed, all or none."""
    return await once(
        201, bulk.apply, principal.reach(_deed(body.what)), account_id_of(principal), shop_id, body.versions,
        Rule(what=body.what, amount=body.amount), relay.settings.relay.public_url, relay.clock.now(),
    )  # fmt: skip


@router.post("/bulk-changes/{change_id}/undo")
async def undo_bulk(change_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Put the old values back, once."""
    url = relay.settings.relay.public_url
    return await once(200, bulk.undo, principal.reach(Deed.LIST), change_id, url, relay.clock.now())


@router.put("/listings/{listing_id}/schedule")
async def set_times(listing_id: str, body: TimesBody, relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """Plan when a listing goes on show and off."""
    planned = await relay.db.run(
        schedule.set_times, principal.reach(Deed.LIST), account_id_of(principal), listing_id, body.publish_at,
        body.withdraw_at, relay.clock.now(),
    )  # fmt: skip
    return JSONResponse(planned)


@router.delete("/listings/{listing_id}/schedule")
async def clear_times(listing_id: str, relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """Forget what was planned for a listing."""
    may, now = principal.reach(Deed.LIST), relay.clock.now()
    return JSONResponse(await relay.db.run(schedule.clear, may, listing_id, now))


def _deed(what: What) -> Deed:
    return Deed.COUNT if what in (What.STOCK_SET, What.STOCK_ADD) else Deed.LIST
