"""The till: each sale through the journal; money is asked for once, an unknown end is asked of the terminal."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from drivers.base import DeviceError, OutcomeUnknownError
from drivers.payment_terminal import PaymentAsk, PaymentTerminal, TerminalPayment
from edge.counter import joint
from edge.counter import sale as rows
from edge.counter.basket import (
    QUANTITY_MAX,
    TillRefusedError,
    add_one,
    fix_prices,
    known_sale,
    must_be_open,
    set_lines,
)
from edge.counter.closing import close_sale
from edge.counter.sale import Sale
from edge.counter.together import Together, take_code
from edge.device_host import DeviceHandle
from edge.flows.counter_sale import Effect, Event, Stage, judge, step
from edge.flows.errors import IllegalStepError
from edge.journal import Journal
from edge.journal.transaction import Transaction
from wire.plan import ShopPlan

logger = logging.getLogger(__name__)

SENSE_S_FIRST, SENSE_S_MAX = 1.0, 30.0
"""How soon an unreachable terminal is asked again what became of a payment."""

CODE_OF_SHOPPER = "vs1."
"""What a shopper's own code begins with; only the relay can tell whether it is right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to pay: a payment terminal of the configuration, or a person."""

    name: str
    way: str
    handle: DeviceHandle

    @property
    def by_hand(self) -> bool:
        """Whether a person says if the money came."""
        return self.handle.by_hand


Change = Callable[[Sale], None]


def _as_it_is(_sale: Sale) -> None:
    """Change nothing but the stage."""


class Till:
    """One counter. `run()` first asks what became of payments of an earlier life, then works until cancelled."""

    def __init__(
        self,
        *,
        journal: Journal,
        plan: Callable[[], ShopPlan | None],
        ways: Mapping[str, Way],
        ids: Callable[[str], str],
        on_paid: Callable[[Sale], None] = lambda _sale: None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_paid` is called after a sale is kept as paid, `on_change` whenever the page shows something new."""
        self.ways = ways
        self.steps: dict[str, str] = {}
        self._journal, self._plan, self._ids = journal, plan, ids
        self._on_paid, self._on_change = on_paid, on_change
        self.together = Together(journal, plan, ids, on_change)
        self._group: asyncio.TaskGroup | None = None
        self._recovered = asyncio.Event()
        self._sensing: set[str] = set()

    async def run(self) -> None:
        """Recover, then give what terminals do a place to run; ends by cancellation or a bug."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for sale in await self._journal.read(rows.open_sales):
                if sale.stage is Stage.ASKING:
                    logger.warning("payment unknown after a restart", extra={"sale_id": sale.sale_id})
                    await self._feed(sale.sale_id, Event.UNKNOWN, _reason("restarted"))
                elif sale.stage is Stage.IN_DOUBT:
                    self._start(self._sense(sale.sale_id), "sense")
            self._recovered.set()
            await asyncio.Event().wait()

    # goods

    async def current(self) -> Sale | None:
        """Return the sale that goods are added to."""
        return _current(await self._journal.read(rows.open_sales))

    async def open_sales(self) -> list[Sale]:
        """Return every sale that has not ended."""
        return await self._journal.read(rows.open_sales)

    async def receipts(self, limit: int = 20) -> list[Sale]:
        """Return the newest receipts, newest first."""
        return await self._journal.read(lambda tx: rows.newest_paid(tx, limit))

    async def scan(self, text: str, account_id: str) -> Sale:
        """Add what a code means to the sale, beginning one; TillRefusedError says why not."""
        plan = self._plan()
        if plan is None:
            raise TillRefusedError("no_plan")

        def take(tx: Transaction) -> Sale:
            sale = _current(rows.open_sales(tx)) or Sale(sale_id=self._ids("sale"))
            must_be_open(sale)
            sale.account_id = account_id
            if text.startswith(CODE_OF_SHOPPER):
                take_code(sale, text)
            else:
                add_one(tx, plan, sale, text)
            joint.goods_changed(tx, sale, self._ids)
            rows.save(tx, sale, "counter_line", lines=len(sale.lines))
            return sale

        return self._told(await self._journal.write(take))

    async def set_quantity(self, sale_id: str, line_no: int, quantity: int) -> Sale:
        """Set how many of a line are sold; 0 takes it out. A very piece is one or none."""

        def take(tx: Transaction) -> Sale:
            sale = known_sale(tx, sale_id)
            must_be_open(sale)
            if not (0 <= line_no < len(sale.lines) and 0 <= quantity <= QUANTITY_MAX):
                raise TillRefusedError("bad_quantity")
            line = sale.lines[line_no]
            if line.piece_id and quantity > 1:
                raise TillRefusedError("one_piece")
            kept, whose = [*sale.lines], [*sale.owners]
            kept[line_no : line_no + 1] = [replace(line, quantity=quantity)] if quantity else []
            whose[line_no : line_no + 1] = [whose[line_no]] if quantity else []
            set_lines(sale, kept, whose)
            rows.save(tx, sale, "counter_line", lines=len(sale.lines))
            return sale

        return self._told(await self._journal.write(take))

    async def give_up(self, sale_id: str) -> Sale:
        """End a sale that nobody pays; TillRefusedError for one share of several."""

        def check(tx: Transaction) -> Change:
            joint.check_alone(tx, known_sale(tx, sale_id))
            return _as_it_is

        return await self._feed(sale_id, Event.GIVE_UP, check)

    # money

    async def pay(self, sale_id: str, device: str, account_id: str, shown_minor: int = 0) -> Sale:
        """Ask for the money: of the terminal, once; or of a person, who then answers. TillRefusedError: not now.

        `shown_minor` is the total that the page showed: another one by now is refused.
        """
        await self._recovered.wait()
        way = self.ways.get(device)
        if way is None:
            raise TillRefusedError("no_such_way")
        if not way.by_hand:
            await self._need_mark(way)

        def ask(tx: Transaction) -> Change:
            _check_payable(tx, sale_id, way)
            mark = rows.known_mark(tx, device) or (0, 0)

            def change(sale: Sale) -> None:
                sale.device, sale.way, sale.account_id = device, way.way, account_id
                if not sale.part_no:
                    fix_prices(sale, self._plan(), tx.now, shown_minor)
                sale.asked_minor, sale.before, sale.reason = sale.total_minor, mark, ""
                sale.payment_no, sale.is_sensed = sale.payment_no + 1, False

            return change

        return await self._feed(sale_id, Event.ASK_PERSON if way.by_hand else Event.ASK_TERMINAL, ask)

    async def answer(self, sale_id: str, answer: str, tendered_minor: int = 0) -> Sale:
        """Take a person's word: `came`, `did_not_come` (cash, QR, a terminal by hand), or `person_paid`,
        `person_unpaid`, `sense_again` of a payment in doubt.
        """
        try:
            event = PEOPLE_SAY[answer]
        except KeyError:
            raise TillRefusedError("bad_answer") from None

        def change(tx: Transaction) -> Change:
            sale = known_sale(tx, sale_id)
            is_given_by_hand = bool(sale.refund_of) and event in (Event.CAME, Event.DID_NOT_COME)
            is_known = rows.known_mark(tx, sale.device) is not None
            if event in (Event.PERSON_PAID, Event.PERSON_UNPAID) or (is_given_by_hand and is_known):
                # the terminal is asked anew what its newest payment is, before the next one
                tx.remove("counter_marks", [sale.device], "counter_mark_forgotten")
            if event is Event.CAME and sale.way == "cash" and 0 < tendered_minor < sale.asked_minor:
                raise TillRefusedError("too_little")

            def note(sale: Sale) -> None:
                if event in (Event.CAME, Event.PERSON_PAID):
                    sale.how_known, sale.tendered_minor = "person", tendered_minor if sale.way == "cash" else 0
                sale.reason = ""

            return note

        return await self._feed(sale_id, event, change)

    async def code_to_show(self, sale_id: str) -> str:
        """Return the QR code that the shopper pays with; empty when this way has none."""
        sale = await self._journal.read(lambda tx: known_sale(tx, sale_id))
        way = self.ways.get(sale.device)
        if way is None or sale.stage is not Stage.WAITING:
            return ""
        async with way.handle.use() as terminal:
            code: str = terminal.code_to_show(_ask(sale))
        return code

    async def refund(self, sale_id: str, account_id: str, *, is_restocked: bool) -> Sale:
        """Give a whole sale's money back the way it came: the terminal reverses it, once; or a person says that they
        gave it. TillRefusedError: not that sale, not now, or it was given back already.

        A refund that was not made is over, with its reason; then another may be asked for.
        """
        await self._recovered.wait()
        paid, why = await self._journal.read(lambda tx: _with_reason(tx, sale_id))
        way = self.ways.get(paid.device)
        if way is None:
            raise TillRefusedError("no_such_way")
        if not (way.by_hand or why):
            await self._need_mark(way)

        def begin(tx: Transaction) -> tuple[Sale, tuple[Effect, ...]]:
            paid, why = _with_reason(tx, sale_id)
            _check_refundable(tx, paid, way)
            is_by_hand = bool(way.by_hand or why)
            made = Sale(sale_id=self._ids("sale"), lines=paid.lines, currency=paid.currency, refund_of=sale_id)
            made.stage, effects = step(made.stage, Event.ASK_PERSON if is_by_hand else Event.ASK_TERMINAL)
            made.device, made.way, made.account_id = paid.device, paid.way, account_id
            made.asked_minor, made.refunded_no, made.payment_no = paid.asked_minor, paid.terminal_receipt_no, 1
            made.before, made.is_restocked = rows.known_mark(tx, paid.device) or (0, 0), is_restocked
            made.reason = "" if way.by_hand else why
            made.promotion_id, made.promotion_title = paid.promotion_id, paid.promotion_title
            rows.save(tx, made, "counter_refund", of=sale_id, way=made.way)
            return made, effects

        made, effects = await self._journal.write(begin)
        if Effect.CHARGE in effects:
            self._start(self._charge(made), "refund")
        return self._told(made)

    async def _need_mark(self, way: Way) -> None:
        """Learn a terminal's newest payment before its first one here; TillRefusedError when it can't be asked."""
        if await self._journal.read(lambda tx: rows.known_mark(tx, way.name)) is not None:
            return
        try:
            async with way.handle.use() as terminal:
                last = await terminal.last_payment()
        except DeviceError as error:
            raise TillRefusedError(error.reason or "offline") from None
        numbers = (last.receipt_no, last.trace_no) if last else (0, 0)
        await self._journal.write(lambda tx: rows.set_mark(tx, way.name, *numbers))

    async def _charge(self, sale: Sale) -> None:
        """Carry out the one request for money that stands in the journal."""
        terminal: PaymentTerminal
        try:
            async with self.ways[sale.device].handle.use() as terminal:
                if sale.refund_of:
                    told = await terminal.reverse(sale.refunded_no)
                else:
                    told = await terminal.pay(_ask(sale), lambda shown: self._show(sale.sale_id, shown))
        except OutcomeUnknownError as error:
            await self._feed(sale.sale_id, Event.UNKNOWN, _reason(error.reason or "outcome_unknown"))
            return
        except DeviceError as error:
            await self._feed(sale.sale_id, Event.NOT_ASKED, _reason(error.reason or "offline"))
            return
        finally:
            self.steps.pop(sale.sale_id, None)
        if told.is_paid and told.amount_minor not in (0, sale.asked_minor):
            await self._feed(sale.sale_id, Event.UNKNOWN, _reason("other_amount"))
        elif told.is_paid:
            await self._feed(sale.sale_id, Event.APPROVED, _settled(told, "terminal"))
        else:
            await self._feed(sale.sale_id, Event.REFUSED, _settled(told, ""))

    def _show(self, sale_id: str, shown: str) -> None:
        self.steps[sale_id] = shown
        self._on_change()

    async def _sense(self, sale_id: str) -> None:
        """Ask the terminal what became of a payment until it tells, or somebody else decided; one asker each."""
        if sale_id in self._sensing:
            return
        self._sensing.add(sale_id)
        try:
            await self._sense_until_told(sale_id)
        finally:
            self._sensing.discard(sale_id)

    async def _sense_until_told(self, sale_id: str) -> None:
        wait_s = SENSE_S_FIRST
        while True:
            sale = await self._journal.read(lambda tx: rows.load(tx, sale_id))
            if sale is None or sale.stage is not Stage.IN_DOUBT or sale.device not in self.ways:
                return
            try:
                async with self.ways[sale.device].handle.use() as terminal:
                    last = await terminal.last_payment()
            except DeviceError as error:
                logger.warning("terminal not asked", extra={"sale_id": sale_id, "words": str(error)})
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, SENSE_S_MAX)
                continue
            await self._take_sensed(sale, last)
            return

    async def _take_sensed(self, sale: Sale, last: TerminalPayment | None) -> None:
        numbers = (last.receipt_no, last.trace_no) if last else None
        before = (sale.before[0], sale.before[1])
        event = judge(
            before, sale.asked_minor, numbers, last.amount_minor if last else 0, is_paid=bool(last and last.is_paid)
        )
        change: Callable[[Transaction], Change]
        if event is Event.UNSENSED:

            def note(sale: Sale) -> None:
                sale.is_sensed = True

            change = lambda _tx: note  # noqa: E731  # one word for the other branch's function
        elif event is Event.SENSED_PAID and last is not None:
            change = _settled(last, "asked_again")
        else:
            change = _settled(last, "") if last is not None else _reason("not_taken")
        try:
            await self._feed(sale.sale_id, event, change)
        except TillRefusedError:
            logger.info("a person was quicker", extra={"sale_id": sale.sale_id})

    # one transaction

    async def _feed(
        self, sale_id: str, event: Event, change: Callable[[Transaction], Change] = lambda _tx: _as_it_is
    ) -> Sale:
        """Take one step of a sale: stage, what was learned, report and places in one transaction, then its effects."""

        def take(tx: Transaction) -> tuple[Sale, tuple[Effect, ...]]:
            sale = known_sale(tx, sale_id)
            stage, effects = step(sale.stage, event)
            change(tx)(sale)
            sale.stage = Stage.GIVEN_UP if sale.refund_of and stage is Stage.OPEN else stage
            if Effect.CLOSE in effects:
                close_sale(tx, sale)
            rows.save(tx, sale, "counter_sale", event=event.value, way=sale.way)
            joint.sale_stepped(tx, sale)
            return sale, effects

        try:
            sale, effects = await self._journal.write(take)
        except IllegalStepError as error:
            raise TillRefusedError("not_now") from error
        if Effect.CHARGE in effects:
            self._start(self._charge(sale), "charge")
        if Effect.SENSE in effects:
            self._start(self._sense(sale.sale_id), "sense")
        if Effect.CLOSE in effects:
            self._on_paid(sale)
        return self._told(sale)

    def _start(self, work: Any, name: str) -> None:
        assert self._group is not None, "payments are asked for by a running till"
        self._group.create_task(work, name=f"till {name}")

    def _told(self, sale: Sale) -> Sale:
        self._on_change()
        return sale


PEOPLE_SAY = {
    "came": Event.CAME,
    "did_not_come": Event.DID_NOT_COME,
    "person_paid": Event.PERSON_PAID,
    "person_unpaid": Event.PERSON_UNPAID,
    "sense_again": Event.SENSE_AGAIN,
}


def _ask(sale: Sale) -> PaymentAsk:
    return PaymentAsk(amount_minor=sale.asked_minor, currency=sale.currency, reference=sale.sale_id)


def _with_reason(tx: Transaction, sale_id: str) -> tuple[Sale, str]:
    """Return a sale and why its money must go back by hand; "" when its terminal may reverse it."""
    sale = known_sale(tx, sale_id)
    return sale, rows.why_by_hand(tx, sale)


def _reason(reason: str) -> Callable[[Transaction], Change]:
    def change(sale: Sale) -> None:
        sale.reason = reason

    return lambda _tx: change


def _settled(told: TerminalPayment, how_known: str) -> Callable[[Transaction], Change]:
    """Return what notes a terminal's word: on the sale, and as the newest payment known of it."""

    def inside(tx: Transaction) -> Change:
        def change(sale: Sale) -> None:
            if told.receipt_no or told.trace_no:
                rows.set_mark(tx, sale.device, told.receipt_no, told.trace_no)
            sale.reason, sale.how_known, sale.slip = told.reason, how_known, told.slip
            if told.is_paid:
                sale.terminal_id, sale.card_name = told.terminal_id, told.card_name
                sale.trace_no, sale.terminal_receipt_no = told.trace_no, told.receipt_no

        return change

    return inside


def _current(sales: list[Sale]) -> Sale | None:
    """The sale in hand: what is being paid, else the newest that is not stuck with a terminal; of shares the first."""
    taken = [sale for sale in sales if sale.stage in (Stage.ASKING, Stage.WAITING)]
    waiting = [sale for sale in sales if sale.stage is Stage.OPEN]
    newest = next((some[-1] for some in (taken, waiting) if some), None)
    if newest is None or newest.stage is not Stage.OPEN or not newest.part_no:
        return newest
    return min((sale for sale in waiting if sale.joint_id == newest.joint_id), key=lambda sale: sale.part_no)


def _check_payable(tx: Transaction, sale_id: str, way: Way) -> None:
    """Refuse an empty sale, and a terminal that still has a payment in doubt: its newest would hide that one."""
    sale = known_sale(tx, sale_id)
    if not sale.lines or sale.total_minor <= 0:
        raise TillRefusedError("empty")
    joint.check_payable(tx, sale)
    busy = [one for one in rows.open_sales(tx) if one.device == way.name and one.sale_id != sale_id]
    if not way.by_hand and any(one.stage in (Stage.IN_DOUBT, Stage.ASKING) for one in busy):
        raise TillRefusedError("terminal_in_doubt")


def _check_refundable(tx: Transaction, paid: Sale, way: Way) -> None:
    """Refuse what was not sold, what was given back, and a terminal whose newest payment is in doubt."""
    if paid.stage is not Stage.PAID or paid.refund_of:
        raise TillRefusedError("not_paid")
    joint.check_alone(tx, paid)
    earlier = rows.refund_of(tx, paid.sale_id)
    if earlier is not None:
        raise TillRefusedError("refund_runs" if earlier.is_open else "refunded_already")
    busy = [one for one in rows.open_sales(tx) if one.device == way.name]
    if not way.by_hand and any(one.stage in (Stage.IN_DOUBT, Stage.ASKING) for one in busy):
        raise TillRefusedError("terminal_in_doubt")
