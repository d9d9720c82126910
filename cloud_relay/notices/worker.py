"""Carries notices out of the house: each delivery once; only what surely did not arrive is tried again."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import urlsplit

from sqlalchemy import Connection

from cloud_relay.clock import Clock
from cloud_relay.db import Database, keep_trying
from cloud_relay.notices import invitations, mail, rules, store
from cloud_relay.notices.mail import Mailer, SmtpMailer
from cloud_relay.notices.push import PushSender, WebPush, push_key
from cloud_relay.notices.quiet import ends_at
from cloud_relay.notices.rules import Sent, Way
from cloud_relay.settings import BadSettingsError, Settings

log = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

LOOK_S = 3.0
"""How often due deliveries are looked for; a notice written by this process wakes the worker at once."""
GATHER_S = 0.2
"""What happens to many at once is written one by one: those of so long are planned together, and nobody notices."""


class NoticeWorker:
    """Safe to run in several relay processes: a delivery is taken by a conditional update before it is sent."""

    def __init__(
        self, db: Database, clock: Clock, *, push: PushSender, mailer: Mailer | None, sender: str, public_url: str
    ) -> None:
        self._db, self._clock, self._push, self._mailer = db, clock, push, mailer
        self._sender, self._url = sender, public_url
        self._wakeup = asyncio.Event()

    @property
    def push_key(self) -> str:
        """The public key with which browsers ask for push messages (applicationServerKey)."""
        return self._push.public_key

    @property
    def has_mail(self) -> bool:
        """Whether a mail server is configured."""
        return self._mailer is not None

    def wake(self) -> None:
        """Look now."""
        self._wakeup.set()

    async def work(self) -> None:
        """Run for ever."""
        while True:
            await self.round()
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._wakeup.wait()
                    await asyncio.sleep(GATHER_S)
            except TimeoutError:
                pass
            self._wakeup.clear()

    async def round(self) -> int:
        """Plan and send what is due now; return how many deliveries were tried."""
        invited = await self._mail_invitations()
        now, with_mail = self._clock.now(), self._mailer is not None
        if not await self._db.read(store.has_work, now):
            return invited
        while await self._keep(store.plan, now, with_mail=with_mail) == store.BATCH:
            pass  # more wait
        due = await self._keep(store.take_due, now)
        for row in due:
            outcome, reason = await self._send(row, now)
            await self._keep(self._settle, row, outcome, reason, self._clock.now())
        return invited + len(due)

    async def _keep(self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Write in the line, however long the database is busy: what is taken is sent, what is sent is noted."""
        return await keep_trying(lambda: self._db.run_in_line(fn, *args, **kwargs))

    async def _mail_invitations(self) -> int:
        now = self._clock.now()
        if self._mailer is None or not await self._db.read(invitations.has_due, now):
            return 0
        due = await self._db.keep_running(invitations.take_due, now)
        for row in due:
            outcome, reason = await self._mailer.send(self._invitation(row, now))
            changed = self._changed(outcome, reason, row["attempts"], self._clock.now())
            await self._db.keep_running(_settle_invitation, row["invitation_id"], changed)
        return len(due)

    def _invitation(self, row: dict[str, Any], now: datetime) -> Any:
        names = ("name_en", "name_zh", "role", "link", "until", "language")
        subject, text = invitations.sentences(invitations.Invited(**{name: row[name] for name in names}))
        return mail.compose(
            sender=self._sender, to=row["email"], subject=subject, text=text, unsubscribe="",
            message_id=f"<{row['invitation_id']}@{urlsplit(self._url).hostname}>", now_s=now.timestamp,
        )  # fmt: skip

    def _changed(self, outcome: Sent, reason: str, attempts: int, now: datetime) -> dict[str, Any]:
        """Return what a delivery's row becomes after one more try."""
        if outcome is Sent.LATER and attempts < rules.TRIES_MAX:
            return {"state": "waiting", "next_try_at": now + rules.wait_after(attempts), "reason": reason}
        return {"state": outcome.value, "ended_at": now, "reason": reason}

    async def _send(self, row: dict[str, Any], now: datetime) -> tuple[Sent, str]:
        if row["way"] == Way.PUSH:
            if not row["endpoint"]:
                return Sent.GONE, "the browser is forgotten"
            text = row["text_zh"] if row["push_language"] == "zh" else row["text_en"]
            message = {"id": row["notice_id"], "text": text, "link": row["link"], "topic": rules.topic_of(row["kind"])}
            return await self._push.send(row, message, now)
        if self._mailer is None:
            return Sent.GONE, "mail is switched off"
        key = await self._db.keep_running(store.mail_key_of, row["account_id"])
        return await self._mailer.send(self._composed(row, key, now))

    def _composed(self, row: dict[str, Any], key: str, now: datetime) -> Any:
        language = row["account_language"]
        text = row["text_zh"] if language == "zh" else row["text_en"]
        unsubscribe = f"{self._url}/unsubscribe/{key}/{rules.topic_of(row['kind'])}"
        return mail.compose(
            sender=self._sender, to=row["email"], subject=text.splitlines()[0][:120], unsubscribe=unsubscribe,
            text=rules.mail_text(text, f"{self._url}{row['link']}", unsubscribe, language),
            message_id=f"<{row['delivery_id']}@{urlsplit(self._url).hostname}>", now_s=now.timestamp,
        )  # fmt: skip

    def _settle(self, connection: Connection, row: dict[str, Any], outcome: Sent, reason: str, now: datetime) -> None:
        changed = self._changed(outcome, reason, row["attempts"], now)
        hours = store.quiet_of(connection, row["account_id"])
        if hours is not None and "next_try_at" in changed:
            changed["next_try_at"] = ends_at(hours, changed["next_try_at"]) or changed["next_try_at"]
        store.settle(connection, row["delivery_id"], **changed)
        if outcome is Sent.GONE and row["push_id"]:
            store.forget_place_by_id(connection, row["push_id"])


def _settle_invitation(connection: Connection, invitation_id: str, changed: dict[str, Any]) -> None:
    invitations.settle(connection, invitation_id, **changed)


def worker_of(settings: Settings, db: Database, clock: Clock) -> NoticeWorker:
    """Make the worker of these settings; BadSettingsError for a mail section that cannot work."""
    given = settings.mail
    if given.encryption not in ("none", "starttls", "tls"):
        raise BadSettingsError(f"[mail] encryption: {given.encryption!r} is unknown; known are none, starttls, tls")
    if given.smtp_host and not given.sender:
        raise BadSettingsError("[mail] sender: must be set beside smtp_host, for example shop@example.org")
    url = settings.relay.public_url
    contact = f"mailto:{given.sender}" if given.sender else url
    password = settings.secrets.get("VITRINE_MAIL_PASSWORD", "")
    return NoticeWorker(
        db, clock, push=WebPush(push_key(settings.data_dir / "push_key.pem"), contact),
        mailer=SmtpMailer(given, password) if given.smtp_host else None, sender=given.sender, public_url=url,
    )  # fmt: skip
