"""A joint sale as the journal keeps it, and what each step of it does to the sales of its shoppers.

While its goods are taken it is one basket; being paid it is one ordinary sale for each shopper, and this row says what
they have to do with each other. A step of a share and of its joint sale stand in one transaction.
"""

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edge.counter import sale as rows
from edge.counter.basket import TillRefusedError, fix_prices, known_sale, set_priced, unfix_prices
from edge.counter.sale import Sale
from edge.flows import counter_sale
from edge.flows.errors import IllegalStepError
from edge.flows.joint_sale import FINAL, Effect, Event, Stage, step
from edge.journal.transaction import Transaction
from wire.codec import from_json, to_json
from wire.counter import saving_of
from wire.plan import ShopPlan
from wire.promotions import Promotion

SHOPPERS_MAX = 12
"""As many as a relay proposes to each other; more are two joint sales."""


@dataclass(slots=True, kw_only=True)
class Joint:
    """What several shoppers buy together. `basket_id` is the sale that they fill, and the first share once it is split.

    `parts` are the shares' sales in their order, empty while open; `shoppers` the codes of them all.
    """

    joint_id: str
    basket_id: str
    stage: Stage = Stage.OPEN
    parts: tuple[str, ...] = ()
    shoppers: tuple[str, ...] = ()
    promotion: Promotion | None = None

    @property
    def is_open(self) -> bool:
        """Whether anything can still become of it."""
        return self.stage not in FINAL


def _joint(row: dict[str, Any]) -> Joint:
    made: Joint = from_json(Joint, json.loads(row["body"]))
    return made


def save(tx: Transaction, joint: Joint, event: Event) -> None:
    """Write a joint sale and its chain entry."""
    body = {part.name: to_json(getattr(joint, part.name)) for part in dataclasses.fields(joint)}
    row = {
        "joint_id": joint.joint_id,
        "stage": joint.stage.value,
        "is_open": int(joint.is_open),
        "body": json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        "changed_at": tx.at,
    }
    tx.put("counter_joints", row, "counter_joint", stage=joint.stage.value, event=event.value)


def load(tx: Transaction, joint_id: str) -> Joint | None:
    """Return a joint sale, or None."""
    row = tx.get("counter_joints", joint_id) if joint_id else None
    return _joint(row) if row else None


def unsettled(tx: Transaction) -> list[Joint]:
    """Return the joint sales that are being paid or undone, oldest change first."""
    where = "is_open = 1 and stage != ?"
    found = tx.select("counter_joints", where, (Stage.OPEN.value,), tail="order by changed_at, joint_id")
    return [_joint(row) for row in found]


def known(tx: Transaction, joint_id: str) -> Joint:
    """Return a joint sale of the journal; TillRefusedError when there is none."""
    found = load(tx, joint_id)
    if found is None:
        raise TillRefusedError("no_such_sale")
    return found


def parts_of(tx: Transaction, joint: Joint) -> list[Sale]:
    """Return the shares of a joint sale in their order."""
    return [known_sale(tx, sale_id) for sale_id in joint.parts]


def _take(tx: Transaction, joint: Joint, event: Event) -> tuple[Effect, ...]:
    """Take one step and write it; TillRefusedError when it may not be."""
    try:
        joint.stage, effects = step(joint.stage, event)
    except IllegalStepError as error:
        raise TillRefusedError("not_now") from error
    save(tx, joint, event)
    return effects


# goods


def goods_changed(tx: Transaction, sale: Sale, ids: Callable[[str], str]) -> None:
    """Keep the joint sale of a basket whose goods or shoppers changed; it begins with the second shopper."""
    joint = load(tx, sale.joint_id)
    is_several = len(sale.codes) > 1
    if joint is None and is_several:
        sale.joint_id = ids("joint")
        joint = Joint(joint_id=sale.joint_id, basket_id=sale.sale_id)
    if joint is None:
        return
    if not is_several:
        sale.joint_id = ""
    _take(tx, joint, Event.GOODS if is_several else Event.GIVE_UP)


# money


def pay_each(
    tx: Transaction, sale: Sale, plan: ShopPlan | None, ids: Callable[[str], str], shown_minor: int
) -> list[Sale]:
    """Make one sale of each shopper's goods at net prices, exactly the whole together; TillRefusedError: not now."""
    joint = known(tx, sale.joint_id)
    if set(sale.owners) != set(range(len(sale.codes))):
        raise TillRefusedError("shopper_without_goods")
    effects = _take(tx, joint, Event.PAY_EACH)
    assert Effect.SPLIT in effects, "it is paid share by share"
    usual_minor = sale.total_minor
    promotion = fix_prices(sale, plan, tx.now, shown_minor)
    parts = _split(sale, promotion, [sale.sale_id, *(ids("sale") for _ in sale.codes[1:])])
    assert sum(part.total_minor + saving_of(part.lines) for part in parts) == usual_minor, "nothing is lost"
    joint.parts, joint.shoppers = tuple(part.sale_id for part in parts), sale.codes
    joint.promotion = promotion
    save(tx, joint, Event.PAY_EACH)
    for part in parts:
        rows.save(tx, part, "counter_share", part_no=part.part_no)
    return parts


def _split(sale: Sale, promotion: Promotion | None, sale_ids: list[str]) -> list[Sale]:
    parts: list[Sale] = []
    for place, (code, sale_id) in enumerate(zip(sale.codes, sale_ids, strict=True)):
        part = Sale(sale_id=sale_id, currency=sale.currency, account_id=sale.account_id, joint_id=sale.joint_id)
        own = tuple(line for line, owner in zip(sale.lines, sale.owners, strict=True) if owner == place)
        set_priced(part, own, promotion)
        part.shopper_code, part.part_no, part.part_count = code, place + 1, len(sale.codes)
        if part.total_minor <= 0:
            raise TillRefusedError("shopper_without_goods")
        parts.append(part)
    return parts


def take_back(tx: Transaction, joint_id: str) -> Sale:
    """Make one basket again of shares that nobody paid and no terminal is busy with; TillRefusedError."""
    joint = known(tx, joint_id)
    parts = parts_of(tx, joint)
    if any(part.stage is not counter_sale.Stage.OPEN for part in parts):
        raise TillRefusedError("share_paid")
    effects = _take(tx, joint, Event.TAKE_BACK)
    assert Effect.JOIN in effects, "what nobody paid is one basket again"
    basket = parts[0]
    pairs = [(line, place) for place, part in enumerate(parts) for line in part.lines]
    basket.lines, basket.whose = tuple(line for line, _ in pairs), tuple(place for _, place in pairs)
    unfix_prices(basket)
    basket.shoppers, basket.shopper_code, basket.at_shopper = joint.shoppers, "", len(joint.shoppers) - 1
    basket.part_no, basket.part_count, basket.reason = 0, 0, ""
    rows.save(tx, basket, "counter_line", lines=len(basket.lines))
    for part in parts[1:]:
        _give_up(tx, part)
    joint.parts = ()
    save(tx, joint, Event.TAKE_BACK)
    return basket


def undo(tx: Transaction, joint_id: str, *, may_refund: bool) -> None:
    """Give the whole joint sale up: shares nobody paid at once, the others by their refunds. TillRefusedError."""
    joint = known(tx, joint_id)
    parts = parts_of(tx, joint)
    if not may_refund and any(part.stage is not counter_sale.Stage.OPEN for part in parts):
        raise TillRefusedError("may_not_refund")
    effects = _take(tx, joint, Event.UNDO)
    assert Effect.GIVE_UP_UNPAID in effects, "nobody pays a share of what is undone"
    for part in parts:
        if part.stage is counter_sale.Stage.OPEN:
            _give_up(tx, part)
    _settle(tx, joint)


def _give_up(tx: Transaction, part: Sale) -> None:
    part.stage, _effects = counter_sale.step(part.stage, counter_sale.Event.GIVE_UP)
    rows.save(tx, part, "counter_sale", event=counter_sale.Event.GIVE_UP.value, way=part.way)


def sale_stepped(tx: Transaction, sale: Sale) -> None:
    """Follow a step of a sale: what becomes of a share that came back unpaid, and of the joint sale at its end."""
    if sale.stage is counter_sale.Stage.OPEN and not sale.part_no:
        unfix_prices(sale)
        rows.save(tx, sale, "counter_line", lines=len(sale.lines))
    about = rows.load(tx, sale.refund_of) if sale.refund_of else sale
    joint = load(tx, about.joint_id) if about else None
    if joint is None or not joint.is_open:
        return
    if joint.stage is Stage.OPEN:
        if sale.stage is counter_sale.Stage.GIVEN_UP:
            _take(tx, joint, Event.GIVE_UP)
        return
    if joint.stage is Stage.UNDOING and sale.part_no and sale.stage is counter_sale.Stage.OPEN:
        _give_up(tx, sale)
    _settle(tx, joint)


def _settle(tx: Transaction, joint: Joint) -> None:
    """End a joint sale whose shares are all paid, or all given up and given back."""
    parts = parts_of(tx, joint)
    if joint.stage is Stage.PAYING and all(part.stage is counter_sale.Stage.PAID for part in parts):
        _take(tx, joint, Event.ALL_PAID)
    if joint.stage is Stage.UNDOING and all(is_back(tx, part) for part in parts):
        _take(tx, joint, Event.ALL_BACK)


def is_back(tx: Transaction, part: Sale) -> bool:
    """Tell whether nobody's money is in a share: it was given up, or given back."""
    if part.stage is not counter_sale.Stage.PAID:
        return part.stage is counter_sale.Stage.GIVEN_UP
    return rows.refund_state(tx, part.sale_id) == "done"


# guards of a single sale


def check_payable(tx: Transaction, sale: Sale) -> None:
    """Refuse to be paid: a basket of several before it is split, and a share while another one is being taken."""
    joint = load(tx, sale.joint_id)
    if joint is None:
        return
    if joint.stage is Stage.OPEN:
        raise TillRefusedError("pay_each_first")
    taking = (counter_sale.Stage.ASKING, counter_sale.Stage.WAITING)
    if any(part.stage in taking and part.sale_id != sale.sale_id for part in parts_of(tx, joint)):
        raise TillRefusedError("one_at_a_time")


def check_alone(tx: Transaction, sale: Sale) -> None:
    """Refuse to give up, or give back, one share of what is being paid: the others would keep a saving that is not
    theirs.
    """
    joint = load(tx, sale.joint_id)
    if joint is not None and joint.stage is Stage.PAYING:
        raise TillRefusedError("undo_instead")
