"""HTTP of bench checks, and what the link brings of them."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from cloud_relay.bench_checks import service
from cloud_relay.relay import Relay, RelayDep
from cloud_relay.shop_link import LinkDownError
from cloud_relay.web.principal import SignedIn
from wire.bench_card import AskEcho, BenchChecked
from wire.commands import TellEcho

router = APIRouter(prefix="/api/shops")


@router.get("/{shop_id}/bench-checks")
async def read_checks(shop_id: str, relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """A shop's bench checks, for its own people and operators."""
    found = await relay.db.read(service.read_checks, shop_id, principal.merchant_ids, is_operator=principal.is_operator)
    return JSONResponse(found)


def join(relay: Relay) -> None:
    """Hear cards, and say back what a check sends."""

    async def echo(shop_id: str, report: AskEcho) -> None:
        try:
            await relay.link.send_transient(shop_id, TellEcho(nonce=report.nonce[:64], code=report.code[:64]))
        except LinkDownError:
            return  # the check fails at this step and says that the relay was silent

    relay.link.on_report(BenchChecked, service.take_card)
    relay.link.on_transient(AskEcho, echo)
