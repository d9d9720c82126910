"""Mail over real SMTP to the demonstration's catcher: composed once, read as text, refused and lost ways told apart."""

import asyncio

import pytest

from cloud_relay.notices.mail import SmtpMailer, compose
from cloud_relay.notices.rules import Sent, mail_text
from cloud_relay.settings import MailSettings
from demo.mail_catcher import Catcher


def mail(subject="轮到您了", **values):
    given = {
        "sender": "shop@example.org", "to": "ann@example.org", "subject": subject, "text": "看一看\n.\n..\n<b>x</b>",
        "unsubscribe": "https://v.example/unsubscribe/k/turn", "message_id": "<d1@v.example>", "now_s": lambda: 0.0,
    }  # fmt: skip
    return compose(**{**given, **values})


@pytest.fixture
async def catcher(tmp_path):
    found = Catcher(tmp_path / "mails")
    async with await asyncio.start_server(found.smtp, "127.0.0.1", 0) as server:
        found.port = server.sockets[0].getsockname()[1]
        yield found


def to(port: int) -> SmtpMailer:
    return SmtpMailer(MailSettings(smtp_host="127.0.0.1", smtp_port=port, encryption="none", sender="shop@example.org"))


async def test_a_mail_arrives_whole(catcher):
    assert await to(catcher.port).send(mail()) == (Sent.SENT, "")
    (file,) = catcher.files()
    shown = catcher.shown()
    assert "轮到您了" in shown
    assert "&lt;b&gt;x&lt;/b&gt;" in shown
    text = file.read_bytes()
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in text
    assert b"Message-ID: <d1@v.example>" in text


async def test_a_server_that_is_not_there_is_asked_later(free_port):
    assert (await to(free_port()).send(mail()))[0] is Sent.LATER


async def _talk(answers: dict[bytes, bytes]):
    async def serve(reader, writer):
        writer.write(b"220 x\r\n")
        is_text = False
        while line := await reader.readline():
            if is_text and line != b".\r\n":
                continue
            verb = b"." if is_text else line[:4].upper()
            is_text = verb == b"DATA"
            answer = answers.get(verb, b"354 go\r\n" if is_text else b"250 ok\r\n")
            if not answer:
                break
            writer.write(answer)
        writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", 0)


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({b"RCPT": b"550 no such address\r\n"}, Sent.GONE),
        ({b"MAIL": b"451 later\r\n"}, Sent.LATER),
        ({b".": b"452 full\r\n"}, Sent.LATER),
        ({b".": b"554 refused\r\n"}, Sent.GONE),
        ({b".": b""}, Sent.UNKNOWN),
    ],
)
async def test_what_the_server_says_decides(answers, outcome):
    async with await _talk(answers) as server:
        sent, _ = await to(server.sockets[0].getsockname()[1]).send(mail())
    assert sent is outcome


def test_a_name_cannot_write_headers():
    with pytest.raises(ValueError, match=r"linefeed|newline"):
        mail(subject="x\r\nBcc: all@example.org")


def test_a_mail_says_where_to_look_and_how_to_end_it():
    for language in ("en", "zh"):
        text = mail_text("sentence", "https://v.example/a", "https://v.example/u", language)
        assert "https://v.example/a" in text
        assert "https://v.example/u" in text
