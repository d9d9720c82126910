"""Pages of real-name onboarding: the merchant's application, the operators' queue and one application."""

from typing import Any

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy import Connection

from cloud_relay.accounts.roles import Deed
from cloud_relay.escrow import two_people
from cloud_relay.onboarding import service, verdicts
from cloud_relay.onboarding.identity_numbers import VAT_FORMS
from cloud_relay.onboarding.rules import DOCUMENT_KINDS, DOCUMENTS_MAX, NEEDED
from cloud_relay.onboarding.vault import vault_in
from cloud_relay.pages.addresses import COUNTRIES
from cloud_relay.pages.merchant import Wish, open_desk, to_application
from cloud_relay.relay import RelayDep
from cloud_relay.web.principal import Operator, SignedIn
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import render

router = Router(include_in_schema=False)

MORE_COUNTRIES: tuple[tuple[str, str, str], ...] = (
    ("BG", "Bulgaria", "保加利亚"), ("CY", "Cyprus", "塞浦路斯"), ("EE", "Estonia", "爱沙尼亚"),
    ("GR", "Greece", "希腊"), ("HR", "Croatia", "克罗地亚"), ("HU", "Hungary", "匈牙利"),
    ("LT", "Lithuania", "立陶宛"), ("LU", "Luxembourg", "卢森堡"), ("LV", "Latvia", "拉脱维亚"),
    ("MT", "Malta", "马耳他"), ("PT", "Portugal", "葡萄牙"), ("RO", "Romania", "罗马尼亚"),
    ("SI", "Slovenia", "斯洛文尼亚"), ("SK", "Slovakia", "斯洛伐克"),
)  # fmt: skip
"""Where merchants may be registered although no parcel form lists the country yet."""
SEATS = tuple(sorted({*COUNTRIES, *MORE_COUNTRIES}, key=lambda one: (one[0] != "CN", one[1])))
NOT_YET: dict[str, Any] = {
    "kind": "company", "real_name": "", "country": "CN", "number": "", "contact_name": "", "phone": "",
    "address": {"lines": [""], "postal_code": "", "city": ""},
}  # fmt: skip


@router.get("/merchant/real-name")
async def application(request: Request, relay: RelayDep, principal: SignedIn, wish: Wish = "") -> Response:
    """One's own application: what is said, what is shown, where it stands, and until when it holds."""
    desk = await open_desk(relay, principal, wish, Deed.APPLY)
    if desk is None:
        return to_application()
    vault = vault_in(relay.settings.data_dir)
    found = await relay.db.read(service.read_own, desk.merchant_id, vault, relay.clock.now())
    open_one = found["application"]
    return render(
        request, principal, "merchant_real_name.html", desk=desk, own=found, application=open_one,
        details=(open_one and open_one["details"]) or found["known"] or NOT_YET, countries=SEATS,
        kinds=DOCUMENT_KINDS, needed=NEEDED, documents_max=DOCUMENTS_MAX, vat_countries=sorted(VAT_FORMS),
    )  # fmt: skip


def _queue(connection: Connection, now: Any) -> dict[str, Any]:
    return {"applications": verdicts.queue(connection), "payouts": two_people.waiting(connection, now)}


@router.get("/operator/applications")
async def queue(request: Request, relay: RelayDep, principal: Operator) -> Response:
    """Applications that wait, the oldest first, and large payouts that wait for a second person."""
    found = await relay.db.read(_queue, relay.clock.now())
    return render(request, principal, "operator_applications.html", tab="applications", find="", **found)


@router.get("/operator/applications/{application_id}")
async def one_application(application_id: str, request: Request, relay: RelayDep, principal: Operator) -> Response:
    """One application with its documents, who looked at them, and the verdict's form."""
    found = await relay.db.read(verdicts.read_whole, application_id, vault_in(relay.settings.data_dir))
    seen = {one["document_id"] for one in found["readings"] if one["account_id"] == principal.account_id}
    names = {code: {"en": en, "zh": zh} for code, en, zh in SEATS}
    return render(
        request, principal, "operator_application.html", tab="applications", find="", application=found, seen=seen,
        kinds=DOCUMENT_KINDS, country=names.get(found["details"].get("country", ""), {"en": "", "zh": ""}),
    )  # fmt: skip
