"""HTTP of real-name onboarding: a merchant's application, the operators' queue, verdicts."""

from typing import Annotated, Any, Literal

from fastapi import File, Form, UploadFile
from fastapi.responses import JSONResponse, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from cloud_relay.accounts.roles import Deed
from cloud_relay.onboarding import service, verdicts
from cloud_relay.onboarding.pictures import clean_document
from cloud_relay.onboarding.vault import vault_in
from cloud_relay.onboarding.verdicts import Decision
from cloud_relay.relay import RelayDep
from cloud_relay.web.idempotency import OnceDep
from cloud_relay.web.principal import Operator, SignedIn, account_id_of, require_deed
from cloud_relay.web.routing import Router

router = Router(prefix="/api")

NEVER_KEPT = {"Cache-Control": "no-store, private", "Content-Disposition": "inline"}
"""Documents are kept by no browser, proxy or service worker."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SeatBody(_Body):
    """Where a merchant is registered."""

    lines: list[str] = Field(min_length=1, max_length=4)
    postal_code: str = Field(default="", max_length=20)
    city: str = Field(max_length=100)


class ApplicationBody(_Body):
    """Who applies: a person or a company under its real name and number."""

    kind: Literal["person", "company"]
    real_name: str = Field(max_length=120)
    country: str = Field(min_length=2, max_length=2)
    number: str = Field(max_length=60)
    address: SeatBody
    contact_name: str = Field(max_length=80)
    phone: str = Field(max_length=30)


class DecisionBody(_Body):
    """An operator's word on a merchant; `until` is when it ends, as long as the rules allow without it."""

    state: Literal["verified", "refused", "suspended"]
    reason: str = Field(default="", max_length=500)
    until: AwareDatetime | None = None


@router.get("/merchants/{merchant_id}/application")
async def read_application(merchant_id: str, relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """A merchant's own application, state and verdicts."""
    require_deed(principal, merchant_id, Deed.APPLY)
    vault = vault_in(relay.settings.data_dir)
    found = await relay.db.read(service.read_own, merchant_id, vault, relay.clock.now())
    return JSONResponse(found, headers={"Cache-Control": "no-store"})


@router.put("/merchants/{merchant_id}/application")
async def save_details(merchant_id: str, body: ApplicationBody, relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """Begin an application, or change its draft."""
    saved = await relay.db.run(
        service.save_details, principal.reach(Deed.APPLY), account_id_of(principal), merchant_id, body.model_dump(),
        vault_in(relay.settings.data_dir), relay.clock.now(),
    )  # fmt: skip
    return JSONResponse(saved)


@router.post("/applications/{application_id}/documents", status_code=201)
async def add_document(
    application_id: str, kind: Annotated[str, Form(max_length=30)], document: Annotated[UploadFile, File()],
    relay: RelayDep, principal: SignedIn,
) -> JSONResponse:  # fmt: skip
    """Add a photograph of a document: decoded apart, drawn anew without metadata, and sealed."""
    limits, may = relay.settings.limits, principal.reach(Deed.APPLY)
    await relay.db.read(service.may_add, may, application_id, kind)
    cleaned = await clean_document(await document.read(limits.upload_bytes_max), limits.picture_pixels_max)
    vault, now = vault_in(relay.settings.data_dir), relay.clock.now()
    return JSONResponse(await relay.db.run(service.add_document, may, application_id, kind, cleaned, vault, now), 201)


@router.delete("/applications/{application_id}/documents/{document_id}")
async def remove_document(application_id: str, document_id: str, relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """Delete a document from a draft."""
    may = principal.reach(Deed.APPLY)
    return JSONResponse(await relay.db.run(service.remove_document, may, application_id, document_id))


@router.post("/applications/{application_id}/submit")
async def submit(application_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Send an application to the operators."""
    return await once(200, service.submit, principal.reach(Deed.APPLY), application_id, relay.clock.now())


@router.post("/applications/{application_id}/withdraw")
async def withdraw(application_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Take an application back; its documents are deleted."""
    return await once(200, service.withdraw, principal.reach(Deed.APPLY), application_id, relay.clock.now())


@router.get("/operator/applications")
async def queue(relay: RelayDep, _: Operator) -> JSONResponse:
    """The applications that wait, the oldest first."""
    return JSONResponse({"applications": await relay.db.read(verdicts.queue)})


@router.get("/operator/applications/{application_id}")
async def read_whole(application_id: str, relay: RelayDep, _: Operator) -> JSONResponse:
    """One application, whole."""
    found: dict[str, Any] = await relay.db.read(verdicts.read_whole, application_id, vault_in(relay.settings.data_dir))
    return JSONResponse(found, headers={"Cache-Control": "no-store"})


@router.get("/operator/documents/{document_id}", response_class=Response)
async def read_document(document_id: str, relay: RelayDep, operator: Operator) -> Response:
    """A document as a picture; who looked and when is written down."""
    vault, now = vault_in(relay.settings.data_dir), relay.clock.now()
    content = await relay.db.run(verdicts.read_document, account_id_of(operator), document_id, vault, now)
    return Response(content, media_type="image/jpeg", headers=NEVER_KEPT)


@router.post("/operator/merchants/{merchant_id}/decide")
async def decide(
    merchant_id: str, body: DecisionBody, relay: RelayDep, once: OnceDep, operator: Operator
) -> JSONResponse:
    """Verify, refuse or suspend a merchant."""
    decision = Decision(state=body.state, reason=body.reason, until=body.until)
    return await once(
        200, verdicts.decide, account_id_of(operator), merchant_id, decision, relay.clock.now(),
        documents_required=relay.settings.accounts.documents_required,
    )  # fmt: skip
