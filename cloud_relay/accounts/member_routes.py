"""HTTP of a merchant's members and invitations."""

from typing import Annotated

from fastapi import Path
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud_relay.accounts import members, passwords, rules, service
from cloud_relay.accounts.roles import Deed, Role
from cloud_relay.accounts.routes import SignUpBody, signed_in_answer
from cloud_relay.relay import RelayDep
from cloud_relay.web.idempotency import OnceDep
from cloud_relay.web.principal import FromHere, SignedIn, account_id_of, require_deed
from cloud_relay.web.routing import Router

router = Router(prefix="/api")

Token = Annotated[str, Path(max_length=80)]


class InvitationBody(BaseModel):
    """Whom to invite, and as what."""

    model_config = ConfigDict(extra="forbid")

    email: str = Field(max_length=254)
    role: Role


class NewMemberBody(SignUpBody):
    """What a stranger's new account brings; the address must be the invited one."""


class RoleBody(BaseModel):
    """A member's new role."""

    model_config = ConfigDict(extra="forbid")

    role: Role


@router.get("/merchants/{merchant_id}/members")
async def list_members(merchant_id: str, relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """A merchant's members and open invitations."""
    require_deed(principal, merchant_id, Deed.CHOOSE_MEMBERS)
    return JSONResponse(await relay.db.read(members.list_members, merchant_id, relay.clock.now()))


@router.post("/merchants/{merchant_id}/invitations", status_code=201)
async def invite(
    merchant_id: str, body: InvitationBody, relay: RelayDep, once: OnceDep, principal: SignedIn
) -> JSONResponse:
    """Invite somebody; the answer holds the link to send, which is shown this once."""
    require_deed(principal, merchant_id, Deed.CHOOSE_MEMBERS)
    by = members.Inviting(
        account_id=account_id_of(principal), root_url=relay.settings.relay.public_url, language=principal.language,
        has_mail=relay.notices.has_mail,
    )  # fmt: skip
    return await once(201, members.invite, merchant_id, body.email, body.role, by, relay.clock.now())


@router.delete("/merchants/{merchant_id}/invitations/{invitation_id}")
async def withdraw(
    merchant_id: str, invitation_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn
) -> JSONResponse:
    """Take an invitation back."""
    require_deed(principal, merchant_id, Deed.CHOOSE_MEMBERS)
    return await once(200, members.withdraw, merchant_id, invitation_id, relay.clock.now())


@router.patch("/merchants/{merchant_id}/members/{account_id}")
async def change_role(
    merchant_id: str, account_id: str, body: RoleBody, relay: RelayDep, once: OnceDep, principal: SignedIn
) -> JSONResponse:
    """Give a member another role."""
    require_deed(principal, merchant_id, Deed.CHOOSE_MEMBERS)
    return await once(200, members.change_role, merchant_id, account_id, body.role, relay.clock.now())


@router.delete("/merchants/{merchant_id}/members/{account_id}")
async def remove(
    merchant_id: str, account_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn
) -> JSONResponse:
    """Remove a member; everybody may remove themselves, but for the last owner."""
    is_self = account_id == principal.account_id
    require_deed(principal, merchant_id, Deed.SEE if is_self else Deed.CHOOSE_MEMBERS)
    return await once(200, members.remove, merchant_id, account_id, relay.clock.now())


@router.post("/invitations/{token}/accept")
async def accept(token: Token, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Become a member by an invitation for one's own address."""
    return await once(200, members.accept, token, account_id_of(principal), relay.clock.now())


@router.post("/invitations/{token}/join", status_code=201)
async def join(token: Token, body: NewMemberBody, relay: RelayDep, _: FromHere) -> JSONResponse:
    """Make an account for the invited address, become a member with it, and sign in: one step for a stranger."""
    now = relay.clock.now()
    invitation = await relay.db.read(members.read_invitation, token, now)
    email = rules.clean_email(body.email)
    members.check_address(invitation, email)
    rules.check_password(body.password, email)
    password_hash = await passwords.hash_password(body.password)
    values = {"email": email, "password_hash": password_hash, "nickname": body.nickname, "language": body.language}
    account_id = await relay.db.run(members.join, token, **values, now=now)
    fresh = await relay.db.run(service.begin_sign_in, account_id, relay.settings.accounts, now)
    return signed_in_answer(relay, fresh, 201)
