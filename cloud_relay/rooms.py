"""The rooms of the relay, one line each: what they serve over HTTP, hear from shops, and do by the clock.

A room joins by adding its router to ROUTERS; `join(relay)` in JOINS adds its handlers to `relay.link`; an endless
`work(relay)` in TASKS runs beside the others, and ends the process if it fails; it writes by `db.keep_running`, for a
database that is busy is no failure.
"""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter

from cloud_relay.accounts import address_routes as addresses
from cloud_relay.accounts import member_routes as members
from cloud_relay.accounts import mute_routes as mutes
from cloud_relay.accounts import routes as accounts
from cloud_relay.announcements import routes as announcements
from cloud_relay.announcements import timers as announcement_timers
from cloud_relay.baskets import routes as baskets
from cloud_relay.bench_checks import routes as bench_checks
from cloud_relay.bookings import routes as bookings
from cloud_relay.carriers import routes as carriers
from cloud_relay.catalog import routes as catalog
from cloud_relay.catalog import shop_routes as shops
from cloud_relay.catalog import spin_routes
from cloud_relay.catalog import stock_routes as stock
from cloud_relay.catalog import variant_routes as variants
from cloud_relay.counter import routes as counter
from cloud_relay.counter import timers as counter_timers
from cloud_relay.escrow import routes as escrow
from cloud_relay.escrow.bank import routes as bank
from cloud_relay.groups import routes as groups
from cloud_relay.groups import timers as group_timers
from cloud_relay.handoffs import routes as handoffs
from cloud_relay.locations import routes as locations
from cloud_relay.notices import routes as notices
from cloud_relay.on_site import routes as on_site
from cloud_relay.on_site import service as on_site_service
from cloud_relay.onboarding import routes as onboarding
from cloud_relay.onboarding import timers as onboarding_timers
from cloud_relay.orders import routes as orders
from cloud_relay.owners import leaving as owners_leaving
from cloud_relay.owners import routes as owners
from cloud_relay.pages import baskets as basket_pages
from cloud_relay.pages import (
    booking,
    courier,
    handoff,
    installing,
    merchant,
    merchant_box,
    merchant_goods,
    merchant_locations,
    merchant_members,
    merchant_money,
    merchant_news,
    merchant_promotions,
    merchant_shipping,
    merchant_stock,
    merchant_tags,
    merchant_teach,
    operator,
    operator_bank,
    operator_books,
    returning,
    scan,
    shopper,
    telling,
)
from cloud_relay.pages import (
    counter as counter_pages,
)
from cloud_relay.pages import on_site as on_site_pages
from cloud_relay.pages import onboarding as onboarding_pages
from cloud_relay.pages import orders as order_pages
from cloud_relay.pages import owners as owner_pages
from cloud_relay.pages import publishing as publishing_pages
from cloud_relay.pages import quotes as quote_pages
from cloud_relay.pages import rebates as rebate_pages
from cloud_relay.pages import records as record_pages
from cloud_relay.pages import suggestions as suggestion_pages
from cloud_relay.pages import together as group_pages
from cloud_relay.parcels import courier as courier_scans
from cloud_relay.parcels import routes as parcels
from cloud_relay.pickup import routes as pickup
from cloud_relay.promotions import hooks as promotion_hooks
from cloud_relay.promotions import routes as promotions
from cloud_relay.promotions import timers as promotion_timers
from cloud_relay.publishing import routes as publishing
from cloud_relay.publishing import timers as publishing_timers
from cloud_relay.quotes import attachment_routes as quote_attachments
from cloud_relay.quotes import routes as quotes
from cloud_relay.rebates import routes as rebates
from cloud_relay.rebates import timers as rebate_timers
from cloud_relay.receipts import routes as receipts
from cloud_relay.records import ageing as record_ageing
from cloud_relay.records import routes as records
from cloud_relay.records.hooks import CHANGED, ON_ERASED, ON_GIVEN, ON_WITHDRAWN, PURCHASED
from cloud_relay.records.uses import Use
from cloud_relay.relay import Relay
from cloud_relay.returns import routes as returns
from cloud_relay.shipping import routes as shipping
from cloud_relay.shop_door import routes as shop_door
from cloud_relay.showroom import code_routes
from cloud_relay.showroom import routes as showroom
from cloud_relay.suggestions import answering as suggestion_answering
from cloud_relay.suggestions import routes as suggestions
from cloud_relay.suggestions import service as suggestion_service
from cloud_relay.suggestions import timers as suggestion_timers
from cloud_relay.threads import routes as threads
from cloud_relay.viewing import colour_routes, complaint_routes, loupe_routes, together_routes
from cloud_relay.viewing import frame_routes as viewing_frames
from cloud_relay.viewing import routes as viewing
from cloud_relay.viewing import teach_routes as teaching
from cloud_relay.web import events, health, static_files

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    events.router,
    escrow.router,  # a provider's events come by the thousand, and what stands first is found first
    accounts.router,
    onboarding.router,
    addresses.router,
    members.router,
    mutes.router,
    counter.router,
    announcements.router,
    promotions.router,
    on_site.router,
    catalog.router,
    publishing.router,
    shops.router,
    stock.router,
    locations.router,
    pickup.router,
    shipping.router,
    variants.router,
    spin_routes.router,
    bench_checks.router,
    viewing.router,
    teaching.router,
    viewing_frames.router,
    loupe_routes.router,
    together_routes.router,
    complaint_routes.router,
    colour_routes.router,
    orders.router,
    quotes.router,
    quote_attachments.router,
    threads.router,
    returns.router,
    rebates.router,
    records.router,
    suggestions.router,
    owners.router,
    baskets.router,
    groups.router,
    bank.router,
    parcels.router,
    carriers.router,
    courier_scans.router,
    notices.router,
    handoffs.router,
    bookings.router,
    showroom.router,
    code_routes.router,
    scan.router,
    static_files.router,
    shopper.router,
    order_pages.router,
    quote_pages.router,
    returning.router,
    basket_pages.router,
    receipts.router,
    merchant.router,
    counter_pages.router,
    onboarding_pages.router,
    publishing_pages.router,
    merchant_goods.router,
    merchant_locations.router,
    merchant_box.router,
    merchant_members.router,
    merchant_money.router,
    merchant_news.router,
    merchant_promotions.router,
    merchant_shipping.router,
    merchant_stock.router,
    merchant_tags.router,
    merchant_teach.router,
    operator.router,
    operator_bank.router,
    operator_books.router,
    rebate_pages.router,
    record_pages.router,
    group_pages.router,
    suggestion_pages.router,
    owner_pages.router,
    on_site_pages.router,
    courier.router,
    handoff.router,
    booking.router,
    telling.router,
    installing.router,
)

DOOR_ROUTERS: tuple[APIRouter, ...] = (shop_door.router,)
"""What shop boxes reach over TLS at the shop door."""

JOINS: tuple[Callable[[Relay], None], ...] = (
    shops.join,
    bench_checks.join,
    shop_door.join,
    viewing.join,
    parcels.join,
    pickup.join,
    locations.join,
    showroom.join,
    notices.join,
    counter.join,
)

TASKS: tuple[Callable[[Relay], Awaitable[None]], ...] = (
    escrow.work,
    bank.work,
    carriers.work,
    announcement_timers.work,
    promotion_timers.work,
    onboarding_timers.work,
    publishing_timers.work,
    notices.work,
    bookings.work,
    counter_timers.work,
    pickup.work,
    quotes.work,
    rebate_timers.work,
    group_timers.work,
    record_ageing.work,
    suggestion_timers.work,
)

ON_WITHDRAWN[Use.ASK_OWNERS].append(owners_leaving.withdrawn)
ON_ERASED.append(owners_leaving.erase)
ON_GIVEN[Use.ON_SITE].append(on_site_service.consent_changed)
ON_WITHDRAWN[Use.ON_SITE].append(on_site_service.consent_changed)
ON_WITHDRAWN[Use.SUGGESTIONS].append(suggestion_answering.forget)
ON_GIVEN[Use.SUGGESTIONS].append(suggestion_service.changed)
CHANGED.append(suggestion_service.changed)
PURCHASED.append(suggestion_service.purchased)
PURCHASED.append(on_site_service.purchased)
promotion_hooks.CHANGED.append(suggestion_service.promotion_changed)
