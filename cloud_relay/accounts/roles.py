"""What a member of a merchant may do: one table of roles and deeds. Pure."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from cloud_relay.refusals import RefusedError


class Role(StrEnum):
    """What somebody is in a merchant's business."""

    OWNER = "owner"
    MANAGER = "manager"
    PACKER = "packer"


class Deed(StrEnum):
    """What can be done for a merchant. SEE is today's work, goods and orders; no balances."""

    SEE = "see"
    TAKE_IN = "take_in"
    COUNT = "count"
    TEACH = "teach"
    CHECK_BENCH = "check_bench"
    LIST = "list"
    KEEP_SHOP = "keep_shop"
    LET_BOX_IN = "let_box_in"
    CANCEL_ORDER = "cancel_order"
    ANNOUNCE = "announce"
    SEE_MONEY = "see_money"
    PAY_OUT = "pay_out"
    APPROVE_PAYOUT = "approve_payout"
    APPLY = "apply"
    CHOOSE_MEMBERS = "choose_members"


_BENCH = frozenset({Deed.SEE, Deed.TAKE_IN, Deed.COUNT, Deed.TEACH, Deed.CHECK_BENCH})
_DAY = _BENCH | {
    Deed.LIST, Deed.KEEP_SHOP, Deed.LET_BOX_IN, Deed.CANCEL_ORDER, Deed.ANNOUNCE, Deed.SEE_MONEY,
    Deed.APPROVE_PAYOUT,
}  # fmt: skip
MAY: dict[Role, frozenset[Deed]] = {
    Role.PACKER: _BENCH,
    Role.MANAGER: _DAY,
    Role.OWNER: _DAY | {Deed.PAY_OUT, Deed.CHOOSE_MEMBERS, Deed.APPLY},
}
"""The one table: who may do what. Pages show and the API allows what stands here, nothing else."""


class Reach(frozenset[str]):
    """The merchants for whom somebody may do one deed; `barred` are those they belong to in a role that may not."""

    barred: frozenset[str] = frozenset()


def may(role: str, deed: Deed) -> bool:
    """Return whether this role may do that; a role that is not known may do nothing."""
    return role in MAY and deed in MAY[Role(role)]


def reach(roles: Mapping[str, str], deed: Deed) -> Reach:
    """Return for which of one's merchants (by id, with one's role) one may do a deed."""
    able = Reach(merchant_id for merchant_id, role in roles.items() if may(role, deed))
    able.barred = frozenset(roles) - able
    return able


def barred() -> RefusedError:
    """Return the refusal for a deed that one's role does not allow."""
    return RefusedError(
        "role_may_not", "Your role does not allow this; ask an owner", "您的角色无此权限，请联系店主", 403
    )


def check_reach(merchant_ids: Iterable[str], merchant_id: str) -> bool:
    """Return whether the merchant is within reach; RefusedError (403) when only the role is in the way."""
    if merchant_id in getattr(merchant_ids, "barred", ()):
        raise barred()
    return merchant_id in frozenset(merchant_ids)


def check_members_left(roles: Mapping[str, str], account_id: str, role: str | None) -> None:
    """Raise RefusedError when no owner would be left after `account_id` got another role (None: was removed)."""
    owners = {one for one, its_role in roles.items() if its_role == Role.OWNER}
    if owners == {account_id} and role != Role.OWNER:
        raise RefusedError(
            "last_owner", "There must be an owner; make somebody else one first", "至少保留一位店主，请先指定另一位"
        )
