"""Several shoppers at one sale: whose goods are whose, and the steps from one basket to a paid share each, or back."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from edge.counter import joint
from edge.counter import sale as rows
from edge.counter.basket import TillRefusedError, known_sale, must_be_open, set_lines
from edge.counter.joint import SHOPPERS_MAX, Joint
from edge.counter.sale import Sale
from edge.journal import Journal
from edge.journal.transaction import Transaction
from wire.plan import ShopPlan

T = TypeVar("T")

CODE_LENGTH_MAX = 200
"""Of a shopper's own code; only the relay can tell whether it is right."""


class Together:
    """The part of the till that knows several shoppers; every deed is one transaction."""

    def __init__(
        self,
        journal: Journal,
        plan: Callable[[], ShopPlan | None],
        ids: Callable[[str], str],
        on_change: Callable[[], None],
    ) -> None:
        self._journal, self._plan, self._ids, self._on_change = journal, plan, ids, on_change

    async def _do(self, work: Callable[[Transaction], T]) -> T:
        done = await self._journal.write(work)
        self._on_change()
        return done

    async def _with_basket(self, sale_id: str, change: Callable[[Sale], None]) -> Sale:
        def take(tx: Transaction) -> Sale:
            sale = known_sale(tx, sale_id)
            must_be_open(sale)
            change(sale)
            joint.goods_changed(tx, sale, self._ids)
            rows.save(tx, sale, "counter_line", lines=len(sale.lines))
            return sale

        return await self._do(take)

    async def add_shopper(self, sale_id: str) -> Sale:
        """Begin with the next shopper, one who shows no code; TillRefusedError."""
        return await self._with_basket(sale_id, lambda sale: _add_shopper(sale, ""))

    async def choose(self, sale_id: str, place: int) -> Sale:
        """Have the next goods be this shopper's; TillRefusedError."""

        def change(sale: Sale) -> None:
            sale.at_shopper = _place(sale, place)

        return await self._with_basket(sale_id, change)

    async def remove(self, sale_id: str, place: int) -> Sale:
        """Take a shopper out; their goods go to the first of the others. TillRefusedError."""
        return await self._with_basket(sale_id, lambda sale: _remove(sale, _place(sale, place)))

    async def move(self, sale_id: str, line_no: int, place: int) -> Sale:
        """Make a line another shopper's; the same thing of theirs grows. TillRefusedError."""
        return await self._with_basket(sale_id, lambda sale: _move(sale, line_no, _place(sale, place)))

    async def pay_each(self, sale_id: str, shown_minor: int = 0) -> list[Sale]:
        """Fix goods and shares: one sale for each shopper, to be paid one after the other. TillRefusedError."""

        def take(tx: Transaction) -> list[Sale]:
            sale = known_sale(tx, sale_id)
            must_be_open(sale)
            return joint.pay_each(tx, sale, self._plan(), self._ids, shown_minor)

        return await self._do(take)

    async def take_back(self, joint_id: str) -> Sale:
        """Go back to the goods while nobody paid; TillRefusedError."""
        return await self._do(lambda tx: joint.take_back(tx, joint_id))

    async def undo(self, joint_id: str, *, may_refund: bool) -> None:
        """Give all of it up: what was paid is then given back share by share. TillRefusedError."""
        await self._do(lambda tx: joint.undo(tx, joint_id, may_refund=may_refund))

    async def unsettled(self) -> list[tuple[Joint, list[tuple[Sale, str]]]]:
        """Return joint sales that are being paid or undone: each share with what became of giving it back."""

        def look(tx: Transaction) -> list[tuple[Joint, list[tuple[Sale, str]]]]:
            return [
                (one, [(part, rows.refund_state(tx, part.sale_id)) for part in joint.parts_of(tx, one)])
                for one in joint.unsettled(tx)
            ]

        return await self._journal.read(look)


def take_code(sale: Sale, code: str) -> None:
    """Take a shopper's code at the till: one who is there already, who had none yet, or the next one."""
    code, codes = code[:CODE_LENGTH_MAX], sale.codes
    if code in codes:
        sale.at_shopper = codes.index(code)
    elif not codes[sale.at_shopper]:
        _set_codes(sale, (*codes[: sale.at_shopper], code, *codes[sale.at_shopper + 1 :]))
    else:
        _add_shopper(sale, code)


def _add_shopper(sale: Sale, code: str) -> None:
    if len(sale.codes) >= SHOPPERS_MAX:
        raise TillRefusedError("too_many_shoppers")
    _set_codes(sale, (*sale.codes, code))
    sale.at_shopper = len(sale.codes) - 1


def _set_codes(sale: Sale, codes: tuple[str, ...]) -> None:
    is_several = len(codes) > 1
    sale.whose = sale.owners
    sale.shoppers, sale.shopper_code = (codes, "") if is_several else ((), codes[0])


def _place(sale: Sale, place: int) -> int:
    if not 0 <= place < len(sale.codes):
        raise TillRefusedError("no_such_shopper")
    return place


def _remove(sale: Sale, place: int) -> None:
    codes = sale.codes
    if len(codes) < 2:
        raise TillRefusedError("last_shopper")
    _set_codes(sale, (*codes[:place], *codes[place + 1 :]))
    heirs = [0 if own == place else own - (own > place) for own in sale.owners]
    _set_merged(sale, heirs)
    sale.at_shopper = min(max(0, sale.at_shopper - (sale.at_shopper >= place)), len(sale.codes) - 1)


def _move(sale: Sale, line_no: int, place: int) -> None:
    if not 0 <= line_no < len(sale.lines):
        raise TillRefusedError("bad_quantity")
    whose = [*sale.owners]
    whose[line_no] = place
    _set_merged(sale, whose)


def _set_merged(sale: Sale, whose: list[int]) -> None:
    """Set whose lines are whose; the same thing of one shopper stands on one line."""
    lines, owners = [*sale.lines], whose
    for later in range(len(lines) - 1, 0, -1):
        for place in range(later):
            one, other = lines[place], lines[later]
            is_same = (one.listing_id, one.price_minor, one.title) == (other.listing_id, other.price_minor, other.title)
            if is_same and not one.piece_id and not other.piece_id and owners[place] == owners[later]:
                lines[place] = replace(one, quantity=one.quantity + other.quantity)
                del lines[later], owners[later]
                break
    set_lines(sale, lines, owners)
