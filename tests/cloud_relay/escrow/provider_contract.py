"""What every payment provider must do, real or sandbox: a test class per provider inherits these tests unchanged.

The class gives fixtures: `provider`, `methods` (names of ways: ok, decline, silent), `outside` (the world beyond it);
for WebhookContract also `webhook` (signs a body as the provider would) and `settled` (a raw event about a payment).
"""

import contextlib
import json
from datetime import UTC, datetime, timedelta

import pytest

from cloud_relay.escrow.providers.base import (
    BadWebhookError,
    Charge,
    OutcomeState,
    PayOut,
    ProviderUnknownError,
    Refund,
)
from tests.cloud_relay.trade_servers import with_silence
from wire.values import new_id


def charge_of(method, amount_minor=11_100, payment_id=None):
    return Charge(
        payment_id=payment_id or new_id("pay"),
        order_id="ord_1",
        amount_minor=amount_minor,
        currency="CNY",
        method=method,
    )


def refund_of(charge, amount_minor):
    return Refund(
        payment_id=new_id("ref"), charge_id=charge.payment_id, amount_minor=amount_minor, currency=charge.currency
    )


class Outside:
    """The shopper, their bank and ours: here everything happens at once, so they have nothing to do."""

    async def pay(self, charge):
        """The shopper pays what is pending."""

    async def refuse(self, charge):
        """The shopper's payment does not come about."""

    async def carry_out(self, payment_id):
        """A refund or payout leaves."""

    def silence(self):
        """While this is entered the provider's answers are lost."""
        return contextlib.nullcontext()


async def ended(provider, outcome, act, payment_id):
    """Let the outside act on what is pending; return what the provider says then."""
    if outcome.state is not OutcomeState.PENDING:
        return outcome
    await act()
    found = await provider.find(payment_id)
    assert found is not None
    return found


async def paid(provider, outside, charge):
    return await ended(provider, await provider.charge(charge), lambda: outside.pay(charge), charge.payment_id)


async def refunded(provider, outside, refund):
    outcome = await provider.refund(refund)
    return await ended(provider, outcome, lambda: outside.carry_out(refund.payment_id), refund.payment_id)


async def paid_out(provider, outside, out):
    outcome = await provider.pay_out(out)
    return await ended(provider, outcome, lambda: outside.carry_out(out.payout_id), out.payout_id)


class ProviderContract:
    @pytest.fixture
    def outside(self):
        return Outside()

    async def test_a_charge_moves_exactly_the_amount_once(self, provider, methods, outside):
        charge = charge_of(methods["ok"])
        assert await provider.charge(charge) == await provider.charge(charge)
        done = await paid(provider, outside, charge)
        assert (done.state, done.amount_minor, done.currency) == (OutcomeState.SUCCEEDED, 11_100, "CNY")
        assert done.provider_reference
        await provider.charge(charge)
        assert await provider.find(charge.payment_id) == done
        assert await provider.held("CNY") == 11_100
        assert await provider.held("EUR") == 0

    async def test_a_declined_charge_moves_nothing_and_says_why(self, provider, methods, outside):
        charge = charge_of(methods["decline"])
        outcome = await ended(
            provider, await provider.charge(charge), lambda: outside.refuse(charge), charge.payment_id
        )
        assert outcome.state is OutcomeState.FAILED
        assert outcome.reason
        assert await provider.held("CNY") == 0

    @with_silence
    async def test_silence_after_charging_is_unknown_and_then_found(self, provider, methods, outside):
        charge = charge_of(methods["silent"])
        with outside.silence(), pytest.raises(ProviderUnknownError):
            await provider.charge(charge)
        await outside.pay(charge)
        found = await provider.find(charge.payment_id)
        assert found is not None and found.state is OutcomeState.SUCCEEDED
        assert await provider.held("CNY") == 11_100

    async def test_what_it_never_heard_of_is_none(self, provider):
        assert await provider.find("pay_never") is None
        assert await provider.find("ref_never") is None
        assert await provider.find("out_never") is None

    async def test_refunds_give_back_parts_once_each_and_never_more_than_the_charge(self, provider, methods, outside):
        charge = charge_of(methods["ok"])
        await paid(provider, outside, charge)
        part = refund_of(charge, 4_000)
        assert await provider.refund(part) == await provider.refund(part)
        assert (await refunded(provider, outside, part)).state is OutcomeState.SUCCEEDED
        assert (await provider.refund(part)).state is OutcomeState.SUCCEEDED
        assert await provider.held("CNY") == 7_100
        try:
            too_much = (await refunded(provider, outside, refund_of(charge, 7_101))).state
        except ProviderUnknownError:
            too_much = None
        assert too_much is not OutcomeState.SUCCEEDED
        assert await provider.held("CNY") == 7_100
        assert (await refunded(provider, outside, refund_of(charge, 7_100))).state is OutcomeState.SUCCEEDED
        assert await provider.held("CNY") == 0

    async def test_a_payout_sends_what_is_held_once(self, provider, methods, outside):
        await paid(provider, outside, charge_of(methods["ok"]))
        out = PayOut(payout_id=new_id("out"), merchant_id="mer_1", amount_minor=10_000, currency="CNY")
        assert (await paid_out(provider, outside, out)).state is OutcomeState.SUCCEEDED
        assert (await provider.pay_out(out)).state is OutcomeState.SUCCEEDED
        assert await provider.held("CNY") == 1_100
        more = PayOut(payout_id=new_id("out"), merchant_id="mer_1", amount_minor=1_101, currency="CNY")
        assert (await provider.pay_out(more)).state is OutcomeState.FAILED

    async def test_its_list_shows_each_movement_once(self, provider, methods, outside):
        """The kinds are the provider's own; what they sum to is what it holds."""
        charge = charge_of(methods["ok"])
        await paid(provider, outside, charge)
        await refunded(provider, outside, refund_of(charge, 1_000))
        moment = datetime.now(UTC)
        found = await provider.movements(moment - timedelta(days=5), moment + timedelta(days=5))
        assert sorted(one.amount_minor for one in found) == [-1_000, 11_100]
        assert {one.kind for one in found} <= provider.reconciled
        assert await provider.movements(moment + timedelta(days=5), moment + timedelta(days=6)) == []

    async def test_an_unsigned_event_is_refused(self, provider):
        with pytest.raises(BadWebhookError):
            provider.read_event({}, b'{"id": "evt_1", "type": "payment.succeeded"}', datetime.now(UTC))


class WebhookContract:
    """For providers that tell by themselves what happened."""

    def test_a_signed_event_is_read(self, provider, webhook, settled):
        event = provider.read_event(webhook(settled), settled, datetime.now(UTC))
        assert event.payment_id == "pay_1"
        assert event.outcome is not None
        assert (event.outcome.state, event.outcome.amount_minor) == (OutcomeState.SUCCEEDED, 11_100)

    @pytest.mark.parametrize("seconds", [-301, 301])
    def test_an_old_or_future_signature_is_refused(self, provider, webhook, settled, seconds):
        with pytest.raises(BadWebhookError):
            provider.read_event(webhook(settled), settled, datetime.now(UTC) + timedelta(seconds=seconds))

    def test_anything_but_the_very_bytes_is_refused(self, provider, webhook, settled):
        now, headers = datetime.now(UTC), webhook(settled)
        respelt = json.dumps(json.loads(settled), separators=(",", ": ")).encode()
        assert json.loads(respelt) == json.loads(settled) and respelt != settled
        for altered in (respelt, settled + b" ", settled.replace(b"11100", b"99999"), b""):
            with pytest.raises(BadWebhookError):
                provider.read_event(headers, altered, now)

    def test_a_missing_or_foreign_signature_is_refused(self, provider, webhook, settled):
        now, headers = datetime.now(UTC), webhook(settled)
        name, value = next(iter(headers.items()))
        for forged in ({}, {name: ""}, {name: value[:-1]}, {name: value[:-1] + ("0" if value[-1] != "0" else "1")}):
            with pytest.raises(BadWebhookError):
                provider.read_event(forged, settled, now)

    def test_an_event_of_an_unknown_type_has_no_outcome(self, provider, webhook):
        body = json.dumps({"id": "evt_9", "type": "weather.changed", "payment": {"id": "pay_1"}}).encode()
        event = provider.read_event(webhook(body), body, datetime.now(UTC))
        assert (event.event_id, event.outcome) == ("evt_9", None)
