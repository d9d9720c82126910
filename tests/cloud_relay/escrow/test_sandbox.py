"""The sandbox provider passes the contract, against its server as a real HTTP peer."""

import json
import time

import pytest

from cloud_relay.escrow.providers import sandbox
from cloud_relay.escrow.providers.base import OutcomeState, ProviderUnknownError
from tests.cloud_relay.escrow.provider_contract import ProviderContract, WebhookContract, charge_of
from tests.cloud_relay.trade_servers import PATIENT_S, SECRET, WEBHOOK_SECRET


@pytest.fixture
async def provider(bank, answer_s):
    provider = sandbox.SandboxProvider(bank.url, SECRET, WEBHOOK_SECRET, timeout_s=answer_s)
    yield provider
    await provider.close()


class TestSandbox(ProviderContract, WebhookContract):
    @pytest.fixture
    def methods(self):
        return {"ok": "sandbox:ok", "decline": "sandbox:decline", "silent": "sandbox:timeout_charged"}

    @pytest.fixture
    def webhook(self):
        def headers(body):
            return {sandbox.SIGNATURE_HEADER: sandbox.sign(WEBHOOK_SECRET, int(time.time()), body)}

        return headers

    @pytest.fixture
    def settled(self):
        payment = {"id": "pay_1", "state": "succeeded", "amount_minor": 11100, "currency": "CNY", "reference": "sbx_1"}
        return json.dumps({"id": "evt_1", "type": "payment.succeeded", "payment": payment}).encode()


async def test_a_slow_answer_is_waited_for(bank):
    bank.behave(slow_s=0.2)
    provider = sandbox.SandboxProvider(bank.url, SECRET, WEBHOOK_SECRET, timeout_s=PATIENT_S)
    assert (await provider.charge(charge_of("sandbox:slow"))).state is OutcomeState.SUCCEEDED
    await provider.close()


async def test_a_wrong_secret_and_an_absent_bank_are_unknown_never_no(bank, free_port):
    for url, secret in ((bank.url, "wrong"), (f"http://127.0.0.1:{free_port()}", SECRET)):
        provider = sandbox.SandboxProvider(url, secret, WEBHOOK_SECRET, timeout_s=PATIENT_S)
        with pytest.raises(ProviderUnknownError):
            await provider.charge(charge_of("sandbox:ok"))
        with pytest.raises(ProviderUnknownError):
            await provider.find("pay_1")
        await provider.close()


def test_secrets_are_needed():
    with pytest.raises(ValueError, match="VITRINE_PAYMENT_SECRET"):
        sandbox.SandboxProvider("http://127.0.0.1:1", "", "x", timeout_s=1)
