"""The way to the relay as this box sees it now: broker and shop door, each by its own TLS, nothing taken over."""

import contextlib
import hashlib
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from edge.care.lines import Finding, Verdict, line, ok
from edge.care.papers import unreadable
from edge.identity import Identity
from edge.relay_http import client_options

CONNECT_S = 4.0
TAKEN_BACK = "is_taken_back"
"""Name of the fact that the broker refused this certificate as revoked."""

ALERT_S = 0.7
"""Under TLS 1.3 a refused certificate shows only after the handshake, as an alert to the first read."""

_NETWORK = (
    "look at cable and router; from this box: ping another machine; does the firewall let this port out?",
    "请检查网线和路由器；在本机 ping 其他机器；防火墙是否放行该端口？",
)
_OTHER_RELAY = (
    "another server answers there, or its papers ended: do not go on, ask the operator",
    "对方不是原来的服务器，或其证书已过期：请勿继续，联系平台",
)


@dataclass(frozen=True, slots=True)
class DoorSeen:
    """What the shop door answered: its line, and the relay's time to the second where it told one."""

    line: Finding
    relay_at: datetime | None = None
    asked_at: datetime | None = None


def look_at_broker(identity: Identity, host: str, port: int) -> Finding:
    """Shake hands with the broker with this box's certificate and hang up: no session of the daemon is touched."""
    where = f"{host}:{port}"
    try:
        with socket.create_connection((host, port), CONNECT_S) as raw:
            raw.settimeout(CONNECT_S)
            with identity.mqtt_tls().wrap_socket(raw, server_hostname=host) as tls:
                return _listen(tls, where)
    except ssl.SSLCertVerificationError:
        return line(
            "broker", Verdict.BAD, ("is not our relay's broker", "不是本平台的消息服务器"), _OTHER_RELAY, where=where
        )
    except ssl.SSLError as error:
        return _refused(where, error)
    except PermissionError:
        return unreadable("broker")
    except OSError as error:
        return line("broker", Verdict.BAD, _said(error), _NETWORK, where=where)


def _listen(tls: ssl.SSLSocket, where: str) -> Finding:
    tls.settimeout(ALERT_S)
    try:
        if tls.recv(1) == b"":
            return _refused(where, None)
    except TimeoutError:
        pass  # it waits for our CONNECT, so it takes the certificate
    except ssl.SSLError as error:
        return _refused(where, error)
    except ConnectionError:
        return _refused(where, None)
    return ok("broker", "answers and takes this box's certificate", "可连接，接受本机证书", where=where)


def _refused(where: str, error: ssl.SSLError | None) -> Finding:
    """Say why TLS failed; OpenSSL names what the other side sent like SSLV3_ALERT_CERTIFICATE_REVOKED."""
    reason = (error.reason or "") if error else ""
    if "REVOKED" in reason:
        return line(
            "broker", Verdict.BAD, ("this box's certificate was taken back", "本机证书已被吊销"),
            (
                "another box speaks for this shop now: switch this one off, or enrol it anew with a claim",
                "本店现由另一台主机负责：请关闭本机，或用新认领码重新登记",
            ),
            where=where,
            facts={TAKEN_BACK: 1.0},
        )  # fmt: skip
    if "ALERT" in reason or not reason:
        return line(
            "broker", Verdict.BAD, ("refuses this box's certificate", "拒绝本机证书"),
            ("look at the certificate's and the clock's line; else enrol anew", "请看证书和时钟两行；否则重新登记"),
            where=where,
        )  # fmt: skip
    return line("broker", Verdict.BAD, ("does not speak TLS as it should", "TLS 握手失败"), _OTHER_RELAY, where=where)


def look_at_door(identity: Identity, https_url: str) -> DoorSeen:
    """Fetch the relay's CA from its own door: shows the way, the papers and the relay's clock in one answer."""
    where = urlsplit(https_url).netloc
    options = client_options(https_url, identity.https_tls(), CONNECT_S)
    began_at = datetime.now(UTC)
    try:
        answer = httpx.get(f"{https_url}/shop-door/ca.pem", **options)
    except httpx.HTTPError as error:
        return DoorSeen(_no_door(error, where))
    middle_at = began_at + (datetime.now(UTC) - began_at) / 2
    if answer.status_code != httpx.codes.OK:
        says = (f"answers {answer.status_code}", f"应答 {answer.status_code}")
        todo = ("the relay is ill: tell the operator", "平台出现故障：请联系平台")
        return DoorSeen(line("relay", Verdict.BAD, says, todo, where=where))
    if _print_of(answer.content) != _print_of(identity.ca_path.read_bytes()):
        says = ("shows another CA than at enrolment", "CA 与登记时不同")
        return DoorSeen(line("relay", Verdict.BAD, says, _OTHER_RELAY, where=where))
    took_ms = round(answer.elapsed.total_seconds() * 1000)
    seen = ok("relay", f"answers in {took_ms} ms", f"{took_ms} 毫秒应答", where=where, facts={"took_ms": took_ms})
    relay_at = None
    with contextlib.suppress(ValueError, TypeError):
        relay_at = parsedate_to_datetime(answer.headers.get("date", ""))
    return DoorSeen(seen, relay_at, middle_at)


def _no_door(error: httpx.HTTPError, where: str) -> Finding:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return line("relay", Verdict.BAD, ("is not our relay", "不是本平台"), _OTHER_RELAY, where=where)
        cause = cause.__cause__ or cause.__context__
    says = ("does not answer in time", "超时无应答") if isinstance(error, httpx.TimeoutException) else (
        "cannot be reached", "无法连接"
    )  # fmt: skip
    return line("relay", Verdict.BAD, says, _NETWORK, where=where)


def _print_of(pem: bytes) -> str:
    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError:
        return ""
    return hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()


def _said(error: OSError) -> tuple[str, str]:
    if isinstance(error, socket.gaierror):
        return "its name cannot be looked up", "域名无法解析"
    if isinstance(error, TimeoutError):
        return "does not answer in time", "超时无应答"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there", "对方未监听"
    return "cannot be reached", "无法连接"
