"""The Stripe adapter passes the contract, against a peer written from Stripe's documentation; no key, no start."""

import contextlib
import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from cloud_relay.escrow import webhooks
from cloud_relay.escrow.providers import stripe
from cloud_relay.escrow.providers.base import BadWebhookError, OutcomeState, ProviderUnknownError
from cloud_relay.escrow.worker import PaymentWorker
from cloud_relay.settings import BadSettingsError, PaymentSettings, Settings
from cloud_relay.tables import payout_account
from cloud_relay.trading import trading_of
from tests.cloud_relay.escrow import stripe_peer
from tests.cloud_relay.escrow.provider_contract import (
    Outside,
    ProviderContract,
    WebhookContract,
    charge_of,
    paid,
    refund_of,
    refunded,
)
from tests.cloud_relay.escrow.test_worker import WorldClock, attempt
from tests.cloud_relay.trade_servers import PATIENT_S, serving


@pytest.fixture
def peer():
    return stripe_peer.Stripe()


@pytest.fixture
def url(peer, free_port):
    with serving(stripe_peer.build(peer), free_port()) as url:
        yield url


@pytest.fixture
async def provider(url, database, answer_s):
    row = {"merchant_id": "mer_1", "provider": "stripe", "holder": "Mo", "account": "acct_00000001", "changed_by": "mo"}
    database.run_now(lambda c: c.execute(insert(payout_account).values(**row, changed_at=datetime.now(UTC))))
    provider = stripe.StripeProvider(
        url, stripe_peer.KEY, stripe_peer.WEBHOOK_SECRET, answer_s, public_url="https://market.example", db=database
    )
    yield provider
    await provider.close()


class Page(Outside):
    """What the shopper does on Stripe's page; refunds and transfers happen at once."""

    def __init__(self, peer):
        self.peer = peer

    async def pay(self, charge):
        self.peer.pay(charge.payment_id)

    async def refuse(self, charge):
        self.peer.decline(charge.payment_id)
        self.peer.expire(charge.payment_id)

    @contextlib.contextmanager
    def silence(self):
        self.peer.is_silent = True
        yield
        self.peer.is_silent = False


def signed(body):
    return {stripe.SIGNATURE_HEADER: stripe.sign(stripe_peer.WEBHOOK_SECRET, int(time.time()), body)}


def event(type_, about, event_id="evt_1"):
    return json.dumps({"id": event_id, "type": type_, "data": {"object": about}}).encode()


class TestStripe(ProviderContract, WebhookContract):
    @pytest.fixture
    def methods(self):
        return dict.fromkeys(("ok", "decline", "silent"), "stripe:checkout")

    @pytest.fixture
    def outside(self, peer):
        return Page(peer)

    @pytest.fixture
    def webhook(self):
        return signed

    @pytest.fixture
    def settled(self):
        about = {"id": "pi_1", "amount_received": 11100, "currency": "cny", "metadata": {"payment_id": "pay_1"}}
        return event("payment_intent.succeeded", about)


async def test_every_call_that_moves_money_names_the_pinned_version(provider, peer):
    await paid(provider, Page(peer), charge_of("stripe:checkout"))
    assert peer.versions == {stripe.API_VERSION}


async def test_a_declined_card_may_be_followed_by_a_good_one(provider, peer):
    charge = charge_of("stripe:checkout")
    pending = await provider.charge(charge)
    how = await provider.how_to_pay(charge.payment_id, pending.provider_reference)
    assert how.url.startswith("https://checkout.stripe.com/")
    peer.decline(charge.payment_id)
    assert (await provider.find(charge.payment_id)).state is OutcomeState.PENDING
    peer.pay(charge.payment_id)
    assert (await provider.find(charge.payment_id)).state is OutcomeState.SUCCEEDED
    assert await provider.how_to_pay(charge.payment_id, pending.provider_reference) is None


async def test_a_refund_that_failed_at_the_bank_is_made_anew_and_only_then(provider, peer):
    charge = charge_of("stripe:checkout")
    await paid(provider, Page(peer), charge)
    part = refund_of(charge, 100)
    await refunded(provider, Page(peer), part)
    next(iter(peer.refunds.values()))["status"] = "failed"
    assert (await provider.refund(part)).state is OutcomeState.SUCCEEDED
    assert (await provider.refund(part)).state is OutcomeState.SUCCEEDED
    assert len(peer.refunds) == 2


async def test_wrong_key_and_absence_are_unknown_never_no(url, database, free_port):
    for where, key in ((url, "sk_wrong"), (f"http://127.0.0.1:{free_port()}", stripe_peer.KEY)):
        provider = stripe.StripeProvider(where, key, "w", PATIENT_S, public_url="https://m.example", db=database)
        for ask in (provider.charge(charge_of("stripe:checkout")), provider.find("pay_1"), provider.held("CNY")):
            with pytest.raises(ProviderUnknownError):
                await ask
        await provider.close()


async def test_what_stripe_keeps_is_booked_and_found_in_its_list(provider, peer, world):
    peer.fee = 350
    worker = PaymentWorker(world.database, WorldClock(world), {"stripe": provider}, world.trade)
    world.trade = type(world.trade)(providers=frozenset({"stripe"}), pay_s={"stripe": 10**9})
    placed = world.place("ann", listing_id="lis_1", payment_method="stripe:checkout")
    assert await attempt(world, worker, placed) == "started"
    charge = peer.pay(placed.payment_id)
    about = {"id": charge["payment_intent"], "amount_received": placed.total_minor, "currency": "cny",
             "metadata": {"payment_id": placed.payment_id}}  # fmt: skip
    body = event("payment_intent.succeeded", about)
    found = provider.read_event(signed(body), body, datetime.now(UTC))
    assert world.database.run_now(webhooks.take, "stripe", found, body, world.now, world.trade)
    assert world.order(placed.order_id)["state"] == "unpaid", "the event is a hint: Stripe itself is asked"
    await worker.work_once()
    assert world.order(placed.order_id)["state"] == "paid"
    assert -world.balance("psp:stripe") == await provider.held("CNY") == placed.total_minor - 350
    assert world.balance("loss") == -350
    now = datetime.now(UTC)
    listed = await provider.movements(now - timedelta(days=1), now + timedelta(days=1))
    assert {(one.kind, one.payment_id, one.amount_minor) for one in listed} == {
        ("charge", placed.payment_id, placed.total_minor), ("provider_fee", placed.payment_id, -350),
    }  # fmt: skip


async def test_a_charge_back_is_found_by_stripes_own_name_of_the_payment(provider, peer, world):
    worker = PaymentWorker(world.database, WorldClock(world), {"stripe": provider}, world.trade)
    world.trade = type(world.trade)(providers=frozenset({"stripe"}), pay_s={"stripe": 10**9})
    placed = world.place("ann", listing_id="lis_1", payment_method="stripe:checkout")
    await attempt(world, worker, placed)
    charge = peer.pay(placed.payment_id)
    body = event("charge.dispute.funds_withdrawn", {"id": "dp_1", "payment_intent": charge["payment_intent"]}, "evt_2")
    found = provider.read_event(signed(body), body, datetime.now(UTC))
    with pytest.raises(webhooks.NotYetError):
        world.database.run_now(webhooks.take, "stripe", found, body, world.now, world.trade)
    world.later(world.trade.charge_retry_s)
    await worker.work_once()
    assert world.database.run_now(webhooks.take, "stripe", found, body, world.now, world.trade)
    assert world.order(placed.order_id)["state"] == "charged_back"
    peer.dispute(charge)
    now = datetime.now(UTC)
    listed = await provider.movements(now - timedelta(days=1), now + timedelta(days=1))
    assert {(one.kind, one.payment_id) for one in listed} == {
        ("charge", placed.payment_id), ("charge_back", placed.payment_id),
    }  # fmt: skip


def test_one_of_two_signatures_is_enough_while_the_secret_is_rolled(database):
    provider = stripe.StripeProvider("http://127.0.0.1:1", "k", "new", 1, public_url="", db=database)
    body, at = event("weather.changed", {}), int(time.time())
    old = stripe.sign("old", at, body).partition("v1=")[2]
    header = f"{stripe.sign('new', at, body)},v1={old},v0=zz"
    assert provider.read_event({stripe.SIGNATURE_HEADER: header}, body, datetime.now(UTC)).event_id == "evt_1"
    with pytest.raises(BadWebhookError):
        provider.read_event({stripe.SIGNATURE_HEADER: f"t={at},v1={old}"}, body, datetime.now(UTC))


def test_a_session_that_expired_unpaid_ends_the_payment(database):
    provider = stripe.StripeProvider("http://127.0.0.1:1", "k", "w", 1, public_url="", db=database)
    about = {"id": "cs_1", "amount_total": 11100, "currency": "cny", "metadata": {"payment_id": "pay_1"}}
    body = event("checkout.session.expired", about)
    header = {stripe.SIGNATURE_HEADER: stripe.sign("w", int(time.time()), body)}
    found = provider.read_event(header, body, datetime.now(UTC))
    assert (found.payment_id, found.outcome.state) == ("pay_1", OutcomeState.FAILED)


@pytest.mark.parametrize(
    ("payment", "secrets", "says"),
    [
        (PaymentSettings(provider="stripe"), {}, "VITRINE_STRIPE_KEY"),
        (PaymentSettings(provider="stripe"), {"VITRINE_STRIPE_KEY": "k"}, "VITRINE_STRIPE_WEBHOOK_SECRET"),
        (PaymentSettings(also=("bank_transfer",)), {}, "own account"),
        (PaymentSettings(provider="gold"), {}, "unknown"),
    ],
)  # fmt: skip
def test_without_key_or_account_nothing_starts(payment, secrets, says, database, tmp_path):
    settings = Settings(data_dir=tmp_path, payment=payment, secrets=secrets)
    with pytest.raises(BadSettingsError, match=says):
        trading_of(settings, database, clock=WorldClock(type("Now", (), {"now": datetime.now(UTC)})))
