"""What Stripe's objects mean, and that whatever else comes in their place is unknown and stops nobody."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from cloud_relay.escrow.providers import stripe_answers as answers
from cloud_relay.escrow.providers.base import Movement, Outcome, OutcomeState, ProviderUnknownError

CHARGE = {"id": "ch_1", "status": "succeeded", "amount": 11_100, "currency": "cny", "payment_intent": "pi_1",
          "metadata": {"payment_id": "pay_1"}, "balance_transaction": {"fee": 350}}  # fmt: skip
ODD = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=6)
    | some.sampled_from(["succeeded", "failed", "canceled", "12", "cny"]),
    lambda inner: some.lists(inner, max_size=2) | some.dictionaries(some.sampled_from(
        ["id", "fee", "payment_id", "object", "charge", "currency", "amount"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
KEYS = (
    "id", "amount", "amount_total", "amount_received", "currency", "metadata", "status", "balance_transaction",
    "payment_intent", "reversed", "failure_message", "created", "fee", "source", "type", "data", "available", "pending",
)  # fmt: skip
OBJECTS = some.dictionaries(some.sampled_from(KEYS), ODD, max_size=len(KEYS))
READERS = {
    "session": answers.of_session, "charge": answers.of_charge, "refund": answers.of_refund,
    "transfer": answers.of_transfer, "unpaid": lambda one: answers.of_unpaid(one, one),
    "balance": lambda one: answers.balance_of(one, "CNY"), "rows": answers.rows, "name": answers.name_of,
    "movements": lambda one: answers.movements_of(one, None), "disputed": lambda one: answers.movements_of(one, one),
    "id": answers.our_id,
}  # fmt: skip


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=15)
@given(one=OBJECTS)
def test_an_answer_is_understood_or_unknown(name, one):
    try:
        found = READERS[name](one)
    except ProviderUnknownError:
        return
    if isinstance(found, Outcome):
        assert isinstance(found.amount_minor, int) and found.currency == found.currency.upper()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"balance_transaction": {"fee": None}}, "fee"), ({"balance_transaction": {"fee": "x"}}, "fee"),
        ({"amount": None}, "says nothing"), ({"amount": float("inf")}, "says nothing"), ({"amount": "x"}, "nothing"),
    ],
)  # fmt: skip
def test_an_amount_that_nobody_can_read_is_not_taken_for_one(changed, says):
    with pytest.raises(ProviderUnknownError, match=says):
        answers.of_charge({**CHARGE, **changed})


def test_a_charge_says_what_it_took_and_what_stripe_kept():
    found = answers.of_charge(CHARGE)
    assert (found.state, found.amount_minor, found.currency, found.fee_minor) == (
        OutcomeState.SUCCEEDED, 11_100, "CNY", 350,
    )  # fmt: skip
    assert answers.of_charge({**CHARGE, "balance_transaction": "txn_1"}).fee_minor == 0, "it was not expanded"
    assert answers.our_id(CHARGE) == "pay_1"
    for metadata in (None, "pay_1", ["pay_1"], {}):
        assert answers.our_id({"metadata": metadata}) == ""


def test_only_a_charge_that_was_captured_is_paid():
    assert answers.paid_one([{**CHARGE, "status": "failed"}, {**CHARGE, "captured": False}]) is None
    assert answers.paid_one([{**CHARGE, "status": "pending"}, CHARGE]) == CHARGE


@pytest.mark.parametrize(
    ("status", "state"),
    [("succeeded", "succeeded"), ("failed", "failed"), ("canceled", "failed"), ("pending", "pending"),
     ("requires_action", "pending"), (None, "pending")],
)  # fmt: skip
def test_a_refund_that_we_do_not_understand_is_under_way(status, state):
    assert answers.of_refund({"id": "re_1", "amount": 5, "currency": "cny", "status": status}).state.value == state


def test_a_transfer_that_was_reversed_moved_nothing():
    transfer = {"id": "tr_1", "amount": 5, "currency": "cny"}
    assert answers.of_transfer(transfer).state is OutcomeState.SUCCEEDED
    assert answers.of_transfer({**transfer, "reversed": True}).state is OutcomeState.FAILED
    with pytest.raises(ProviderUnknownError):
        answers.of_transfer({"reversed": True})


def test_a_declined_card_is_final_only_with_its_page():
    declined = {**CHARGE, "status": "failed", "failure_code": "card_declined"}
    still_open = answers.of_unpaid(declined, {"data": [{"status": "open"}]})
    over = answers.of_unpaid(declined, {"data": [{"status": "expired"}]})
    assert (still_open.state, over.state, over.reason) == (OutcomeState.PENDING, OutcomeState.FAILED, "card_declined")


def test_what_moved_and_what_was_kept_are_two_movements_and_a_strange_type_is_shown():
    one = {"id": "txn_1", "type": "charge", "amount": 100, "fee": 3, "currency": "cny", "created": 1_900_000_000,
           "source": CHARGE}  # fmt: skip
    at = datetime.fromtimestamp(1_900_000_000, UTC)
    charge, fee = answers.movements_of(one, None)
    assert charge == Movement(
        kind="charge", payment_id="pay_1", amount_minor=100, currency="CNY", at=at, provider_reference="txn_1"
    )
    assert (fee.kind, fee.amount_minor) == ("provider_fee", -3)
    (strange,) = answers.movements_of({**one, "type": "tax_fee", "fee": 0, "source": "txr_1"}, None)
    assert (strange.kind, strange.payment_id) == ("tax_fee", "txn_1")
    with pytest.raises(ProviderUnknownError):
        answers.movements_of({**one, "created": 10**20}, None)


def test_an_event_that_we_do_not_know_has_no_effect():
    found = answers.of_event({"id": "evt_1", "type": "invoice.paid", "data": {"object": {"amount": 1}}})
    assert (found.type, found.payment_id, found.outcome) == ("invoice.paid", "", None)
