"""Doctor: every line says how it is, why, what to do; with the daemon, without it, before enrolment, and when ill."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from edge.care import network, papers
from edge.care.daemon_lines import look_at_clock, look_at_clock_from_outside
from edge.care.doctor import examine
from edge.care.host import look_at_disk, look_at_memory
from edge.care.lines import Verdict, exit_code, line, ok
from edge.control_socket import control_socket, socket_path
from edge.identity import Identity
from edge.journal import Journal

ROOT = Path(__file__).parents[3]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "shop.toml"
    path.write_text((ROOT / "config/edge/studio.toml").read_text().replace("/var/lib/vitrine-edge", "box"))
    return path


def now() -> datetime:
    return datetime.now(UTC)


def lines_of(config: Path) -> dict[str, Any]:
    return {one.check: one for one in examine(config, now)}


def judge_wording(found: dict[str, Any]) -> None:
    for one in found.values():
        assert one.says.en and one.says.zh, one
        assert one.verdict is Verdict.OK or (one.todo.en and one.todo.zh), f"{one.check} does not say what to do"


def test_exit_codes():
    good, bad = ok("a", "x", "x"), line("b", Verdict.BAD, ("x", "x"), ("y", "y"))
    shaky = [line("c", verdict, ("x", "x"), ("y", "y")) for verdict in (Verdict.WARN, Verdict.UNKNOWN)]
    assert [exit_code(lines) for lines in ([good], [good, shaky[0]], [shaky[1]], [good, bad], [])] == [0, 1, 1, 2, 0]


def test_a_broken_configuration_is_one_line_and_the_host_is_still_looked_at(config):
    config.write_text(config.read_text().replace('pin = "1357"', 'pin = "x"'))
    found = lines_of(config)
    judge_wording(found)
    assert found["config"].verdict is Verdict.BAD and "check-config" in found["config"].todo.en
    assert {"python", "disk", "memory", "load"} <= set(found)


def test_before_enrolment_it_says_so_and_invents_nothing(config):
    found = lines_of(config)
    judge_wording(found)
    assert found["certificate"].verdict is Verdict.BAD and "enrol" in found["certificate"].todo.en
    assert found["daemon"].verdict is Verdict.BAD and "systemctl start" in found["daemon"].todo.en
    assert {found[name].verdict for name in ("broker", "relay", "clock", "journal")} == {Verdict.UNKNOWN}
    assert "link" not in found, "only the daemon has a link"
    assert exit_code(found.values()) == 2


def test_a_certificate_by_its_days(tmp_path, make_identity):
    good = papers.look_at_certificate(make_identity(tmp_path / "a"), now())
    assert good.verdict is Verdict.OK and 19 < good.facts["days_left"] <= 20
    assert papers.look_at_certificate(make_identity(tmp_path / "b", days=9), now()).verdict is Verdict.WARN
    identity = make_identity(tmp_path / "c")
    days = [(21, Verdict.BAD, "days ago"), (21 + 366, Verdict.BAD, "over a year"), (-30, Verdict.BAD, "future")]
    for later, verdict, words in days:
        seen = papers.look_at_certificate(identity, now() + timedelta(days=later))
        assert (seen.verdict, words in seen.says.en) == (verdict, True), seen
    identity.certificate_path.write_text(identity.certificate_path.read_text()[:200])
    assert papers.look_at_certificate(identity, now()).verdict is Verdict.BAD


def test_clock_memory_and_disk_at_their_limits(tmp_path):
    status = {"relay_now": "2026-01-01T00:00:00.000Z", "round_trip_s": 0.02}
    at = datetime(2026, 1, 1, tzinfo=UTC)
    offsets = [(5, Verdict.OK), (-5, Verdict.OK), (5.1, Verdict.WARN), (-600, Verdict.WARN), (601, Verdict.BAD)]
    for offset_s, verdict in offsets:
        assert look_at_clock(status, at + timedelta(seconds=offset_s)).verdict is verdict
    assert look_at_clock({**status, "relay_now": None}, at).verdict is Verdict.WARN
    assert look_at_clock_from_outside(at, at + timedelta(seconds=700)).verdict is Verdict.BAD
    info = tmp_path / "meminfo"
    for kilobytes, verdict in ((1_000_000, Verdict.OK), (100_000, Verdict.WARN), (40_000, Verdict.BAD)):
        info.write_text(f"MemTotal: 2000000 kB\nMemAvailable:   {kilobytes} kB\n")
        assert look_at_memory(info).verdict is verdict
    assert look_at_disk(tmp_path / "not" / "yet").facts["free_mb"] > 0


def test_the_broker_is_asked_without_a_session_and_says_why_not(tmp_path, make_identity, broker, authority, free_port):
    identity = make_identity(tmp_path / "box")
    good = network.look_at_broker(identity, "127.0.0.1", broker.port)
    assert good.verdict is Verdict.OK, good
    nobody = network.look_at_broker(identity, "127.0.0.1", free_port())
    assert nobody.verdict is Verdict.BAD and "nobody listens" in nobody.says.en
    unknown = network.look_at_broker(identity, "no-such-name.invalid", 8883)
    assert unknown.verdict is Verdict.BAD and "cable" in unknown.todo.en
    other = type(authority)()
    identity.certificate_path.write_text(other.issue("teahouse", identity.private_key().public_key()))
    refused = network.look_at_broker(identity, "127.0.0.1", broker.port)
    assert refused.verdict is Verdict.BAD and "certificate" in refused.says.en
    identity.ca_path.write_text(other.pem)
    assert "not our relay" in network.look_at_broker(identity, "127.0.0.1", broker.port).says.en


def test_the_daemons_session_outlives_a_look(tmp_path, make_identity, relay, broker, eventually, start_link):
    link = start_link()
    before = len(relay.presences)
    assert network.look_at_broker(link, "127.0.0.1", broker.port).verdict is Verdict.OK
    time.sleep(0.3)
    assert all(one.is_online for one in relay.presences[before:]), "the look took the daemon's session over"


@pytest.fixture
def start_link(tmp_path, make_identity, relay, eventually):
    """A session under the shop's own name, as the daemon's is."""
    import paho.mqtt.client as mqtt  # noqa: PLC0415  # for this one test

    identity = make_identity(tmp_path / "daemon")
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "teahouse", protocol=mqtt.MQTTv5)
    lost: list[object] = []

    def start() -> Identity:
        client.tls_set(str(identity.ca_path), str(identity.certificate_path), str(identity.key_path))
        client.on_disconnect = lambda *facts: lost.append(facts)
        client.connect("127.0.0.1", relay.broker.port)
        client.loop_start()
        return identity

    yield start
    assert not lost
    client.disconnect()
    client.loop_stop()


STATUS = {
    "is_relay_near": True, "relay_now": None, "round_trip_s": 0.01, "dropped": {"not_ours": 2},
    "journal": {"entries": 9, "commands_open": 0, "reports_unconfirmed": 600, "acks_unsent": 0, "parcels_open": 1,
                "plan_version": 3},
    "devices": [
        {"device": "printer", "health": "needs_attendant", "reason": "paper_out",
         "text": {"en": "Out of labels: put in a new roll", "zh": "标签纸用完：请换新卷"}},
        {"device": "bench", "health": "online", "reason": "", "text": {"en": "", "zh": ""}},
        {"device": "scanner", "health": "offline", "reason": "unplugged",
         "text": {"en": "Unplugged: plug the cable in again", "zh": "数据线已断开：请重新插好"}},
    ],
}  # fmt: skip


async def test_with_a_daemon_its_own_answers_are_judged(config):
    async def status(_asked: dict[str, Any]) -> Any:
        return STATUS

    path = socket_path(config.parent / "box")
    path.parent.mkdir()
    async with control_socket(path, {"status": status}):
        found = await asyncio.to_thread(lines_of, config)
    judge_wording(found)
    verdicts = {name: found[name].verdict.value for name in ("daemon", "clock", "link", "journal")}
    assert verdicts == {"daemon": "ok", "clock": "warn", "link": "warn", "journal": "warn"}
    assert found["device printer"].verdict is Verdict.WARN and "new roll" in found["device printer"].todo.en
    assert found["device scanner"].verdict is Verdict.BAD and found["device bench"].verdict is Verdict.OK
    assert json.dumps(found["device bench"].as_json(with_address=False)).count("where") == 0


async def test_a_journal_without_daemon_is_read_and_an_old_copy_is_found(config):
    box = config.parent / "box"
    box.mkdir()
    journal = Journal(box / "journal.db", "studio", now=now)
    await journal.open()
    await journal.write(lambda tx: tx.note("first"))
    await journal.close()
    old = (box / "journal.db").read_bytes()
    journal = Journal(box / "journal.db", "studio", now=now)
    await journal.open()
    await journal.write(lambda tx: tx.note("second"))
    await journal.close()
    assert (await asyncio.to_thread(lines_of, config))["journal"].verdict is Verdict.OK
    (box / "journal.db").write_bytes(old)
    found = (await asyncio.to_thread(lines_of, config))["journal"]
    assert found.verdict is Verdict.BAD and "old copy" in found.says.en
    (box / "journal.db").write_bytes(b"nothing of the sort" * 500)
    assert (await asyncio.to_thread(lines_of, config))["journal"].verdict is Verdict.BAD
