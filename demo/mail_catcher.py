"""A mail server that keeps every mail and delivers none (as much of RFC 5321 as clients use); a page to read them."""

import argparse
import asyncio
import contextlib
import html
import sys
from collections.abc import Awaitable, Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

LINE_BYTES_MAX = 4096
MAIL_BYTES_MAX = 1024 * 1024
KEPT_MAX = 500

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Catcher:
    """Keeps mails as .eml files in `folder`, newest last."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def files(self) -> list[Path]:
        """Return the mails, oldest first."""
        return sorted(self.folder.glob("*.eml"))

    def keep(self, mail: bytes) -> None:
        """Write one mail under the next number; too old ones go."""
        files = self.files()
        number = int(files[-1].stem) + 1 if files else 1
        (self.folder / f"{number:06d}.eml").write_bytes(mail)
        for old in files[: max(0, len(files) + 1 - KEPT_MAX)]:
            old.unlink()

    async def smtp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one mail client."""

        async def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())
            await writer.drain()

        await say("220 catcher ready")
        try:
            while line := await reader.readline():
                verb = line[:4].upper().strip()
                if verb == b"DATA":
                    await say("354 go on, end with a dot")
                    self.keep(await _mail(reader))
                    await say("250 kept")
                elif verb == b"QUIT":
                    await say("221 goodbye")
                    return
                elif verb in (b"EHLO", b"HELO", b"MAIL", b"RCPT", b"RSET", b"NOOP"):
                    await say("250 ok")
                else:
                    await say("502 not here")
        except (ConnectionError, ValueError, asyncio.LimitOverrunError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def page(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve the page with all mails, the newest first."""
        try:
            await reader.readuntil(b"\r\n\r\n")
            body = self.shown().encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
            head += "Connection: close\r\nContent-Security-Policy: default-src 'none'\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
        except (ConnectionError, asyncio.LimitOverrunError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def shown(self) -> str:
        """Return the page as HTML; what stands in mails is text, never markup."""
        parts = ["<!doctype html><meta charset=utf-8><title>Mails 邮件</title><h1>Mails 邮件</h1>"]
        for file in reversed(self.files()):
            mail = message_from_bytes(file.read_bytes(), policy=policy.default)
            assert isinstance(mail, EmailMessage)
            text = mail.get_content() if mail.get_content_type() == "text/plain" else ""
            lines = [f"To: {mail['To']}", f"Date: {mail['Date']}", f"Subject: {mail['Subject']}", "", str(text)]
            parts.append(f"<pre>{html.escape(chr(10).join(lines))}</pre><hr>")
        return "".join(parts if len(parts) > 1 else [*parts, "<p>None yet. 还没有邮件。</p>"])


async def _mail(reader: asyncio.StreamReader) -> bytes:
    """Read one mail up to the line with a lone dot; doubled dots are made single (RFC 5321 section 4.5.2)."""
    mail = bytearray()
    while (line := await reader.readline()) not in (b".\r\n", b".\n"):
        if not line or len(mail) > MAIL_BYTES_MAX:
            raise ValueError("a mail without an end")
        mail += line[1:] if line.startswith(b"..") else line
    return bytes(mail)


async def serve(folder: Path, smtp_port: int, page_port: int) -> None:
    """Serve on loopback until cancelled."""
    catcher = Catcher(folder)
    servers = [await _listen(catcher.smtp, smtp_port), await _listen(catcher.page, page_port)]
    await asyncio.gather(*(server.serve_forever() for server in servers))


async def _listen(handler: Handler, port: int) -> asyncio.Server:
    return await asyncio.start_server(handler, "127.0.0.1", port, limit=LINE_BYTES_MAX)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Keeps mails instead of delivering them.")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--page-port", type=int, required=True)
    chosen = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(chosen.folder, chosen.smtp_port, chosen.page_port))
    return 0


if __name__ == "__main__":
    sys.exit(main())
