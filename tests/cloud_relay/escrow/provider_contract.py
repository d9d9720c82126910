"""What every payment provider must do, real or sandbox: a test class per provider inherits these tests.

The class gives fixtures: `provider`, `methods` (names of ways: ok, decline, silent), `webhook` (signs a body as the
provider would) and `settled` (an event's raw body about a payment).
"""

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


class ProviderContract:
    async def test_a_charge_moves_exactly_the_amount_once(self, provider, methods):
        charge = charge_of(methods["ok"])
        first = await provider.charge(charge)
        second = await provider.charge(charge)
        assert first == second
        assert (first.state, first.amount_minor, first.currency) == (OutcomeState.SUCCEEDED, 11_100, "CNY")
        assert first.provider_reference
        assert await provider.held("CNY") == 11_100
        assert await provider.held("EUR") == 0

    async def test_a_declined_charge_moves_nothing_and_says_why(self, provider, methods):
        outcome = await provider.charge(charge_of(methods["decline"]))
        assert outcome.state is OutcomeState.FAILED
        assert outcome.reason
        assert await provider.held("CNY") == 0

    async def test_silence_after_charging_is_unknown_and_then_found(self, provider, methods):
        charge = charge_of(methods["silent"])
        with pytest.raises(ProviderUnknownError):
            await provider.charge(charge)
        found = await provider.find(charge.payment_id)
        assert found is not None and found.state is OutcomeState.SUCCEEDED
        assert await provider.held("CNY") == 11_100

    async def test_what_it_never_heard_of_is_none(self, provider):
        assert await provider.find("pay_never") is None

    async def test_refunds_give_back_parts_once_each_and_never_more_than_the_charge(self, provider, methods):
        charge = charge_of(methods["ok"])
        await provider.charge(charge)
        part = refund_of(charge, 4_000)
        assert await provider.refund(part) == await provider.refund(part)
        assert await provider.held("CNY") == 7_100
        try:
            too_much = (await provider.refund(refund_of(charge, 7_101))).state
        except ProviderUnknownError:
            too_much = None
        assert too_much is not OutcomeState.SUCCEEDED
        assert (await provider.refund(refund_of(charge, 7_100))).state is OutcomeState.SUCCEEDED
        assert await provider.held("CNY") == 0

    async def test_a_payout_sends_what_is_held_once(self, provider, methods):
        await provider.charge(charge_of(methods["ok"]))
        out = PayOut(payout_id=new_id("out"), merchant_id="mer_1", amount_minor=10_000, currency="CNY")
        assert (await provider.pay_out(out)).state is OutcomeState.SUCCEEDED
        assert (await provider.pay_out(out)).state is OutcomeState.SUCCEEDED
        assert await provider.held("CNY") == 1_100
        more = PayOut(payout_id=new_id("out"), merchant_id="mer_1", amount_minor=1_101, currency="CNY")
        assert (await provider.pay_out(more)).state is OutcomeState.FAILED

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
