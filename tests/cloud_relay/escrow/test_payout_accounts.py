"""Where a merchant is paid out: numbers that can be right, one for each provider, and everybody hears of a change."""

import pytest

from cloud_relay.accounts.roles import Role
from cloud_relay.escrow.bank import payout_accounts
from cloud_relay.tables import notice
from tests.cloud_relay.accounts.test_members import join
from wire.values import BadValueError

IBAN, OTHER = "DE89370400440532013000", "GB82WEST12345698765432"
STRIPE = "acct_1A2b3C4d5E6f7G8h"


def put(world, provider="bank_transfer", account=IBAN, holder="Mo Ltd", bic="", by="owner_mer_1"):
    return world.database.run_now(
        payout_accounts.set_account, "mer_1", by, world.now, provider=provider, holder=holder, account=account, bic=bic
    )


def accounts(world, merchant_id="mer_1"):
    found = world.database.read_now(payout_accounts.accounts_of, merchant_id)
    return [(one["provider"], one["account"], one["changed_by"]) for one in found]


def test_one_for_each_provider_and_the_newest_holds(world):
    assert accounts(world) == []
    put(world, account="de89 3704 0044 0532 0130 00")
    put(world, "stripe", f"  {STRIPE} ")
    put(world, account=OTHER, by="ann")
    assert accounts(world) == [("bank_transfer", OTHER, "ann"), ("stripe", STRIPE, "owner_mer_1")]
    assert accounts(world, "mer_2") == []


def test_every_member_is_told_of_the_last_four_signs_alone(world):
    put(world)
    told = [row for row in world.rows(notice) if row["kind"] == "payout_account_changed"]
    assert [row["account_id"] for row in told] == ["owner_mer_1"]
    for text in (told[0]["text_en"], told[0]["text_zh"]):
        assert IBAN[-4:] in text and IBAN not in text


@pytest.mark.parametrize(
    ("provider", "changed"),
    [
        ("bank_transfer", {"account": "DE89370400440532013001"}), ("bank_transfer", {"account": STRIPE}),
        ("bank_transfer", {"account": ""}), ("bank_transfer", {"holder": " "}), ("bank_transfer", {"bic": "NOT A BIC"}),
        ("bank_transfer", {"holder": "Mo\u202e"}), ("stripe", {"account": IBAN}), ("stripe", {"account": "acct_"}),
        ("stripe", {"account": f"{STRIPE}/../x"}), ("stripe", {"account": f"{STRIPE}\n{STRIPE}"}),
        ("stripe", {"account": "acct_１２３４５６７８"}), ("stripe", {"holder": "x" * 71}),
        ("sandbox", {}), ("", {}), ("paypal", {"account": STRIPE}),
    ],
)  # fmt: skip
def test_what_cannot_be_right_changes_nothing_and_tells_nobody(world, provider, changed):
    put(world)
    before, told = accounts(world), len(world.rows(notice))
    with pytest.raises(BadValueError):
        put(world, provider, **changed)
    assert accounts(world) == before and len(world.rows(notice)) == told


async def test_only_who_pays_out_may_say_where_and_only_who_sees_money_may_look(site):
    merchant_id, _, owner = await site.merchant("mo")
    path, body = f"/api/merchants/{merchant_id}/payout-accounts", {"holder": "Mo", "account": IBAN}
    manager, _ = await join(site, merchant_id, owner, "may", Role.MANAGER.value)
    packer, _ = await join(site, merchant_id, owner, "pat", Role.PACKER.value)
    await site.call("PUT", path, body, owner)
    for who, status in ((manager, 403), (packer, 403), (site.account("bob"), 404)):
        await site.call("PUT", path, {**body, "account": OTHER}, who, status)
    await site.call("GET", path, headers=packer, status=403)
    found = (await site.call("GET", path, headers=manager))["payout_accounts"]
    assert [one["account"] for one in found] == [IBAN]
    refused = await site.call("PUT", path, {**body, "account": "DE00"}, owner, 422)
    assert "iban" in str(refused)
