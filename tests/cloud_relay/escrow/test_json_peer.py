"""The small HTTP client: kept connections, peers that hang up, lie about lengths or fall silent."""

import asyncio
import contextlib

import pytest

from cloud_relay.escrow.providers.json_peer import JsonPeer, PeerError
from tests.cloud_relay.trade_servers import PATIENT_S

OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a":1}'


@contextlib.asynccontextmanager
async def peer_that(*answers, timeout_s=PATIENT_S):
    """A server that gives these answers in turn, one per message; None hangs up, an empty one falls silent."""
    seen, left, tasks = [], list(answers), []

    async def serve(reader, writer):
        tasks.append(asyncio.current_task())
        try:
            await talk(reader, writer)
        finally:
            writer.close()

    async def talk(reader, writer):
        seen.append([])
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while left:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                seen[-1].append(head + await reader.readexactly(length))
                answer = left.pop(0)
                if answer is None:
                    break
                writer.write(answer)
                if not answer:
                    await asyncio.sleep(PATIENT_S)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    peer = JsonPeer(f"http://127.0.0.1:{port}", timeout_s, {"Authorization": "Bearer x"})
    try:
        yield peer, seen
    finally:
        await peer.close()
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_two_calls_share_one_connection():
    async with peer_that(OK, OK) as (peer, seen):
        assert await peer.ask("POST", "/charges", {"名": 1}) == (200, {"a": 1})
        assert await peer.ask("GET", "/x") == (200, {"a": 1})
        assert [len(one) for one in seen] == [2]
        first = seen[0][0]
        assert first.startswith(b"POST /charges HTTP/1.1\r\n") and b"Authorization: Bearer x\r\n" in first
        assert first.endswith(b'{"\\u540d": 1}')


async def test_calls_at_once_use_connections_of_their_own():
    async with peer_that(*[OK] * 6) as (peer, seen):
        answers = await asyncio.gather(*(peer.ask("GET", "/x") for _ in range(3)))
        assert answers == [(200, {"a": 1})] * 3
        assert len(seen) == 3
        await peer.ask("GET", "/x")
        assert len(seen) == 3


async def test_a_kept_connection_that_was_closed_meanwhile_is_no_failure():
    async with peer_that(OK, None, OK) as (peer, seen):
        await peer.ask("GET", "/x")
        assert await peer.ask("GET", "/x") == (200, {"a": 1})
        assert len(seen) == 2


async def test_connection_close_is_honoured():
    async with peer_that(OK.replace(b"Content-Type", b"Connection: close\r\nContent-Type"), OK) as (peer, seen):
        await peer.ask("GET", "/x")
        await peer.ask("GET", "/x")
        assert len(seen) == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        None,
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        b"SSH-2.0\r\n\r\n",
        b"x" * 100_000,
    ],
)
async def test_an_answer_that_says_nothing_is_an_error(answer):
    timeout_s = PATIENT_S if answer != b"" else 0.5
    async with peer_that(answer, timeout_s=timeout_s) as (peer, _):
        with pytest.raises(PeerError):
            await peer.ask("GET", "/x")


async def test_an_answer_without_a_body_is_none():
    async with peer_that(b"HTTP/1.1 204 No Content\r\n\r\n", OK) as (peer, seen):
        assert await peer.ask("POST", "/x") == (204, None)
        assert await peer.ask("POST", "/x") == (200, {"a": 1})
        assert len(seen) == 1


@pytest.mark.parametrize("url", ["ftp://host", "host:80", "http://"])
def test_only_http_addresses(url):
    with pytest.raises(ValueError, match="must be http"):
        JsonPeer(url, 1)
