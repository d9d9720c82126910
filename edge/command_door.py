"""Where commands come in: signature first, then the journal or the deadline, then whoever carries them out."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.clock import Clock
from edge.journal import AckDecision, Journal, Receipt
from wire.codec import from_base64url, from_json, load_bytes
from wire.commands import COMMANDS, Command, ConfirmReports, TellClock, TransientCommand, decode_command
from wire.envelope import Envelope, SignedCommand, verify_command
from wire.reports import AckState
from wire.values import BadValueError

logger = logging.getLogger(__name__)

OnCommand = Callable[[Envelope, Command], None]
"""Takes a command that may be carried out now; returns at once."""


class CommandDoor:
    """Judges each payload from the command topic and returns the acknowledgement to publish, if it earns one.

    Nothing that fails the signature leaves a trace but a count. A durable command is committed before `take` returns;
    its repeat gets the recorded acknowledgement and has no other effect. A transient one past its deadline is dropped.
    """

    def __init__(
        self,
        shop_id: str,
        keys: Callable[[], Mapping[str, Ed25519PublicKey]],
        journal: Journal,
        clock: Clock,
        on_command: OnCommand,
    ) -> None:
        self.dropped: Counter[str] = Counter()
        self._shop_id = shop_id
        self._keys = keys
        self._journal = journal
        self._clock = clock
        self._on_command = on_command
        self._asked: dict[str, float] = {}

    def ask_clock(self, nonce: str) -> None:
        """Expect a TellClock with this nonce; earlier questions count no more."""
        self._asked = {nonce: self._clock.monotonic()}

    async def take(self, payload: bytes) -> AckDecision | None:
        """Take one payload in; returns when it is safe to tell the broker that it arrived.

        What a durable command decides is to be acknowledged and then given to `hand_out`, in this order.
        """
        try:
            envelope = verify_command(payload, self._shop_id, dict(self._keys()))
            outer: SignedCommand = from_json(SignedCommand, load_bytes(payload))
            signed = from_base64url(outer.signed, "signed")
        except BadValueError as error:
            self._drop("not_ours", str(error))
            return None
        known = COMMANDS.get(envelope.type)
        if known is not None and not known.DURABLE:
            await self._take_transient(envelope)
            return None
        if envelope.sequence is None or envelope.sequence < 1:
            self._drop("no_sequence", f"{envelope.type[:40]} without a sequence number")
            return None
        return await self._take_durable(envelope, signed)

    async def replay(self) -> None:
        """Hand out what was taken in before a restart and has no final answer yet."""
        await self.hand_out(await self._journal.open_commands())

    async def hand_out(self, envelopes: Iterable[Envelope]) -> None:
        """Give stored commands to whoever carries them out; one that can't be read is answered at once."""
        for envelope in envelopes:
            await self._hand_out(envelope)

    async def _take_durable(self, envelope: Envelope, signed: bytes) -> AckDecision:
        decision = await self._journal.receive(envelope, signed, self._clock.relay_now())
        if decision.receipt is Receipt.REFUSED:
            self._drop(
                "refused", f"{envelope.type[:40]} {envelope.id[:40]}: used number, or another body under this id"
            )
        return decision

    async def _hand_out(self, envelope: Envelope) -> None:
        try:
            command = decode_command(envelope.type, envelope.data)
        except KeyError:
            await self._journal.answer(envelope.id, AckState.UNSUPPORTED, "unknown_command")
        except BadValueError as error:
            self._drop("bad_body", f"{envelope.type[:40]}: {error}")
            await self._journal.answer(envelope.id, AckState.REFUSED, "bad_body")
        else:
            self._on_command(envelope, command)

    async def _take_transient(self, envelope: Envelope) -> None:
        try:
            command = decode_command(envelope.type, envelope.data)
        except BadValueError as error:
            self._drop("bad_body", f"{envelope.type[:40]}: {error}")
            return
        if isinstance(command, TellClock):
            self._learn_time(command)
        elif isinstance(command, ConfirmReports):
            await self._journal.confirm_reports(command.up_to_sequence)
        elif self._is_in_time(envelope, command):
            self._on_command(envelope, command)

    def _learn_time(self, command: TellClock) -> None:
        asked_s = self._asked.pop(command.nonce, None)
        if asked_s is None:
            self._drop("clock_unasked", "TellClock that nobody asked for")
        else:
            self._clock.learn(command.relay_at, asked_s)

    def _is_in_time(self, envelope: Envelope, command: Command) -> bool:
        now = self._clock.relay_now()
        if now is None:
            self._drop("clock_unknown", f"{envelope.type} while relay time is unknown")
            return False
        deadline_s = min(envelope.deadline_s or command.DEADLINE_S, TransientCommand.DEADLINE_S)
        if now > envelope.time + timedelta(seconds=deadline_s):
            self._drop("too_late", f"{envelope.type} after its deadline")
            return False
        return True

    def _drop(self, code: str, words: str) -> None:
        """Count what is dropped; log its 1st, 2nd, 4th, 8th … time, so that a flood can't fill the log."""
        self.dropped[code] += 1
        count = self.dropped[code]
        if count & (count - 1) == 0:
            logger.warning("command dropped", extra={"reason": code, "words": words, "count": count})
