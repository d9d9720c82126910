"""Brings notices by mail: an interface, and SMTP (RFC 5321) behind it."""

import asyncio
import contextlib
import smtplib
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import formatdate
from typing import Protocol

from cloud_relay.notices.rules import Sent
from cloud_relay.settings import MailSettings

TIMEOUT_S = 20.0


class Mailer(Protocol):
    """Whoever can bring a mail."""

    async def send(self, message: EmailMessage) -> tuple[Sent, str]:
        """Send one mail; return what became of it and why."""


class SmtpMailer:
    """Hands each mail to one mail server; smtplib blocks, so it works in a thread."""

    def __init__(self, settings: MailSettings, password: str = "") -> None:
        self._settings, self._password = settings, password

    async def send(self, message: EmailMessage) -> tuple[Sent, str]:
        """Send one mail; when the server's answer to the text is lost, the mail counts as perhaps sent."""
        return await asyncio.to_thread(self._send, message)

    def _send(self, message: EmailMessage) -> tuple[Sent, str]:
        settings, tls = self._settings, ssl.create_default_context()
        try:
            if settings.encryption == "tls":
                server: smtplib.SMTP = smtplib.SMTP_SSL(
                    settings.smtp_host, settings.smtp_port, timeout=TIMEOUT_S, context=tls
                )
            else:
                server = smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=TIMEOUT_S)
        except (OSError, smtplib.SMTPException) as error:
            return Sent.LATER, type(error).__name__
        try:
            return self._hand_over(server, message, tls)
        finally:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                server.quit()  # what it answers to that says nothing about the mail
            server.close()

    def _hand_over(self, server: smtplib.SMTP, message: EmailMessage, tls: ssl.SSLContext) -> tuple[Sent, str]:
        try:
            if self._settings.encryption == "starttls":
                server.starttls(context=tls)
            if self._settings.smtp_account:
                server.login(self._settings.smtp_account, self._password)
        except (OSError, smtplib.SMTPException) as error:
            return Sent.LATER, type(error).__name__
        try:
            server.send_message(message)
        except smtplib.SMTPRecipientsRefused:
            return Sent.GONE, "the mail server knows no such address"
        except smtplib.SMTPResponseException as error:
            return (Sent.LATER if error.smtp_code < 500 else Sent.GONE), f"SMTP {error.smtp_code}"
        except (OSError, smtplib.SMTPException) as error:
            return Sent.UNKNOWN, type(error).__name__
        return Sent.SENT, ""


def compose(
    *, sender: str, to: str, subject: str, text: str, unsubscribe: str, message_id: str, now_s: Callable[[], float]
) -> EmailMessage:
    """Return a mail; mail programs show its one-click way out (RFC 2369, RFC 8058), where there is one."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Date"], message["Message-ID"] = formatdate(now_s()), message_id
    if unsubscribe:
        message["List-Unsubscribe"] = f"<{unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return message
