"""HTTP of bench checks, and what the link brings of them."""

from fastapi.responses import JSONResponse

from cloud_relay.accounts.roles import Deed
from cloud_relay.bench_checks import service
from cloud_relay.relay import Relay, RelayDep
from cloud_relay.shop_link import LinkDownError
from cloud_relay.web.principal import SignedIn
from cloud_relay.web.routing import Router
from wire.bench_card import AskEcho, BenchChecked
from wire.commands import TellEcho

router = Router(prefix="/api/shops")


@router.get("/{shop_id}/bench-checks")
async def read_checks(shop_id: str, relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """A shop's bench checks, for its own people and operators."""
    own, now = principal.merchant_ids, relay.clock.now()
    found = await relay.db.read(service.read_checks, shop_id, own, now, is_operator=principal.is_operator)
    return JSONResponse(found)


@router.post("/{shop_id}/bench-checks", status_code=201)
async def ask_for_check(shop_id: str, relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """Have the bench checked now, if the shop finds it free and nobody looks."""
    await relay.db.read(service.require_own, shop_id, principal.reach(Deed.CHECK_BENCH))
    return JSONResponse({"shop_id": shop_id, "check_id": await relay.checks.ask(shop_id)}, 201)


def join(relay: Relay) -> None:
    """Hear cards and how far a check is, and say back what a check sends."""

    async def echo(shop_id: str, report: AskEcho) -> None:
        try:
            await relay.link.send_transient(shop_id, TellEcho(nonce=report.nonce[:64], code=report.code[:64]))
        except LinkDownError:
            return  # the check fails at this step and says that the relay was silent

    relay.link.on_report(BenchChecked, service.take_card)
    relay.checks.join()
    relay.link.on_transient(AskEcho, echo)
