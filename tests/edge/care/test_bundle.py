"""Support bundles: canaries planted wherever people or secrets leave traces occur in no member, however encoded."""

import asyncio
import base64
import binascii
import gzip
import json
import re
import tarfile
import urllib.parse
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edge.care.bundle import make_bundle, write_bundle
from edge.care.words import REMOVED, Sieve, own_words
from edge.control_socket import control_socket, socket_path
from edge.identity import Identity
from edge.journal import Journal
from edge.journal.transaction import Transaction
from wire.plan import Address
from wire.reports import PieceGone

ROOT = Path(__file__).parents[3]
PIN = "804613"

CANARIES = {
    "name": "Xanthippe Quillfeather", "name_zh": "欧阳翡翠", "street": "Zwiebelgasse 77b", "phone": "+49 30 99887766",
    "phone_digits": "4930998877", "mail": "quill.feather@example.org", "token": "kZ9vTokenOfCourier_-x1Q2w3E4",
    "wifi": "hunter2-wifi-Grüße", "camera_password": "c4mPassw0rd!", "host": "camera-of-quillfeather.lan",
    "ip": "10.77.66.55", "pin": PIN, "question": "Is there room for my wheelchair?", "device": "quillfeather_cam",
    "objection": "the bow is crooked, says Xan", "shop_words": "Tante Quill's Teeladen",
}  # fmt: skip


def now() -> datetime:
    return datetime.now(UTC)


def spellings(canary: str) -> set[bytes]:
    """Every way in which a text might hide: escaped, encoded, cut at any of base64's three offsets."""
    raw = canary.encode()
    found = {
        raw, json.dumps(canary).strip('"').encode(), json.dumps(canary, ensure_ascii=False).strip('"').encode(),
        binascii.hexlify(raw), binascii.hexlify(raw).upper(), urllib.parse.quote(canary).encode(),
        urllib.parse.quote_plus(canary).encode(), repr(raw).strip("b'\"").encode(), raw.lower(), raw.upper(), raw[::-1],
        canary.encode("utf-16-le"), canary.replace(" ", "").encode(),
    }  # fmt: skip
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + raw)
        part = whole[(0, 2, 3)[shift] : len(whole) - 4]
        if len(part) >= 6:
            found |= {part, part.replace(b"+", b"-").replace(b"/", b"_")}
    return found


def judge(members: dict[str, bytes], secrets: dict[str, str]) -> None:
    for name, content in members.items():
        for what, canary in secrets.items():
            for spelling in spellings(canary):
                assert spelling not in content, f"{name} tells {what} as {spelling!r}"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    text = (ROOT / "config/edge/studio.toml").read_text().replace("/var/lib/vitrine-edge", "box")
    text = text.replace('pin = "1357"', f'pin = "{PIN}"  # {CANARIES["name"]} chose it')
    text += f"""
# wifi of the shop: {CANARIES["wifi"]}, ask {CANARIES["name_zh"]} {CANARIES["phone"]}
[device.{CANARIES["device"]}]
kind = "camera"
model = "mjpeg"
url = "http://admin:{CANARIES["camera_password"]}@{CANARIES["host"]}/stream?u={CANARIES["mail"]}"
"""
    text = re.sub(r"(?m)^\[webrtc\]$", f'[webrtc]\naddresses = ["{CANARIES["ip"]}"]', text)
    path = tmp_path / "quillfeather" / "shop.toml"
    path.parent.mkdir()
    path.write_text(text)
    return path


def plant(tx: Transaction) -> None:
    """A parcel, a task and chain entries as full of people as they can be."""
    to = Address(name=CANARIES["name"], lines=(CANARIES["street"],), postal_code="1", city=CANARIES["name_zh"],
                 country="DE", phone=CANARIES["phone"])  # fmt: skip
    body = {"label": {"to": to.name, "lines": to.lines}, "objection": CANARIES["objection"]}
    row = {"parcel_id": "par_1", "piece_id": "pie_1", "stage": "printing_in_doubt", "line_no": 1, "is_open": 1,
           "body": json.dumps(body), "changed_at": tx.at}  # fmt: skip
    tx.put("parcels", row, "stage", event="printed", words=CANARIES["objection"], by=CANARIES["name"])
    task = {"task_id": "t_1", "kind": CANARIES["question"], "parcel_id": "par_1", "piece_id": "pie_1", "is_open": 1,
            "body": json.dumps({"link": f"https://x/c/par_1.{CANARIES['token']}"}), "asked_at": tx.at}  # fmt: skip
    tx.put("tasks", task, "asked", task="question", parcel_id="par_1")
    intent = {"intent_id": "in_1", "parcel_id": "par_1", "act": "print", "device": "printer", "at": tx.at,
              "detail": CANARIES["street"], "outcome": "", "outcome_at": None}  # fmt: skip
    tx.put("intents", intent, "intent", act="print", parcel_id="par_1")
    tx.note("illegal", words=f"{CANARIES['name']} cannot happen", **{CANARIES["device"]: CANARIES["phone_digits"]})
    tx.note(CANARIES["name"], at=CANARIES["token"], number=int(CANARIES["phone_digits"]), pin=int(PIN))


def log_of_everything() -> list[str]:
    at = "2026-11-22T05:00:00.000+00:00"
    error = (
        "Traceback (most recent call last):\n"
        f'  File "/home/{CANARIES["device"]}/edge/bench/acts.py", line 9, in do\n    print("{CANARIES["name"]}")\n'
        f"edge.care.bundle.{CANARIES['name'].split()[0]}Error: {CANARIES['street']}\nValueError: {CANARIES['wifi']}"
    )
    lines = [
        {"at": at, "level": "warning", "room": "edge.bench.bench", "message": "outcome unknown", "act": "print"},
        {"at": at, "level": "info", "room": "edge.device_host", "message": "device health changed",
         "device": CANARIES["device"], "health": "offline", "reason": "silent", "words": f"to {CANARIES['host']}"},
        {"at": at, "level": "error", "room": "httpx", "message": f"GET https://{CANARIES['ip']}/{CANARIES['token']}"},
        {"at": CANARIES["phone"], "level": "critical", "room": "edge.running", "message": "ended by a failure",
         "error": error, CANARIES["name"]: 1, "number": int(CANARIES["phone_digits"]), "pin": int(PIN)},
        {"message": CANARIES["name_zh"], "deep": {"link": [CANARIES["token"], {"x": CANARIES["mail"]}]}},
    ]  # fmt: skip
    return [*(json.dumps(line, ensure_ascii=False) for line in lines), f"not JSON: {CANARIES['name']}", '["a list"]']


async def bundle_of(config: Path) -> dict[str, bytes]:
    """Make the bundle beside a daemon whose answers name people too, and read it as whoever gets it would."""
    box = config.parent / "box"
    journal = Journal(box / "journal.db", "studio", now=now)
    await journal.open()
    await journal.write(plant)
    await journal.append_report(PieceGone(parcel_id="par_1", at=now(), reason=CANARIES["objection"]))
    device = {"device": CANARIES["device"], "kind": "camera", "model": "mjpeg", "health": "offline", "at": "x",
              "reason": CANARIES["host"], "text": {"en": CANARIES["host"], "zh": ""}}  # fmt: skip
    status = {"is_relay_near": False, "relay_now": None, "round_trip_s": None, "dropped": {}, "devices": [device],
              "journal": {"entries": 1, "reports_unconfirmed": 1, "parcels_open": 1}}  # fmt: skip

    async def answer(_asked: dict[str, Any]) -> Any:
        return status

    async with control_socket(socket_path(box), {"status": answer}):
        files = await asyncio.to_thread(make_bundle, config, log_of_everything(), now, lambda _what: None)
    await journal.close()
    path = config.parent / "bundle.tar.gz"
    await asyncio.to_thread(write_bundle, files, path, now())
    assert path.stat().st_mode & 0o077 == 0
    members = {"the archive itself": path.read_bytes(), "its tar": gzip.decompress(path.read_bytes())}
    with tarfile.open(path) as archive:
        for member in archive.getmembers():
            assert (member.uid, member.uname, member.gname) == (0, "", "")
            file = archive.extractfile(member)
            assert file is not None
            members[member.name.partition("/")[2]] = file.read()
    return members


async def test_no_canary_leaves_the_box(config, make_identity):
    identity = make_identity(config.parent / "box")
    (config.parent / "box" / "attendant_secret").write_text(CANARIES["token"])
    members = await bundle_of(config)
    pem = identity.key_path.read_text().splitlines()[1:-1]
    certificate = identity.certificate_path.read_text().splitlines()[1:-1]
    judge(members, {**CANARIES, **{f"key line {no}": row for no, row in enumerate(pem)}})
    judge(members, {f"certificate line {no}": row for no, row in enumerate(certificate[2:-1])})
    judge(members, {"folder": str(config.parent)})


async def test_it_still_tells_what_helps(config, make_identity):
    make_identity(config.parent / "box")
    members = await bundle_of(config)
    read = {name: json.loads(content) for name, content in members.items() if name.endswith(".json")}
    assert read["versions.json"]["packages"]["httpx"] and read["versions.json"]["python"].startswith("3.")
    assert read["config.json"]["device"]["camera-3"]["model"] == "mjpeg"
    assert read["config.json"]["device"]["camera-3"]["url"] == "http://(removed)"
    assert "pin" not in read["config.json"]["attendant"]
    (device,) = read["devices.json"]
    assert {"reason": REMOVED, "health": "offline", "device": "camera-3"}.items() <= device.items()
    journal = read["journal.json"]
    assert journal["parcels_by_stage"] == {"printing_in_doubt": 1} and journal["rows"]["parcels"] == 1
    assert journal["acts_in_doubt"][0][:2] == ["print", "label_printer-1"] and journal["reports_by_type"] == {
        "PieceGone": 1
    }
    assert {"what": "stage", "event": "printed"}.items() <= journal["newest"][0].items()
    verdicts = {line["check"]: line["verdict"] for line in read["doctor.json"]}
    assert verdicts["device camera-3"] == "bad" and verdicts["daemon"] == "ok" and verdicts["link"] == "bad"
    log = [json.loads(line) for line in members["log.jsonl"].splitlines()]
    assert log[0]["message"] == "outcome unknown" and log[0]["act"] == "print"
    assert log[1] | {"device": "camera-3", "health": "offline", "reason": "silent", "words": REMOVED} == log[1]
    assert log[2]["message"] == REMOVED and "edge/bench/acts.py:9 do" in log[3]["error"]
    assert "ValueError" in log[3]["error"]


def test_the_spellings_would_be_found():
    """The test's own eyes: each way of hiding is one that `spellings` sees."""
    name = CANARIES["name"]
    hidden = [
        json.dumps({"x": f"a {CANARIES['name_zh']}"}).encode(), base64.b64encode(f"ab{name}cd".encode()),
        base64.b64encode(f"a{name}cd".encode()), name.encode().hex().encode(), urllib.parse.quote(f"x {name}").encode(),
        zlib.decompress(zlib.compress(name.encode())),
    ]  # fmt: skip
    for content in hidden:
        with pytest.raises(AssertionError):
            judge({"member": content}, CANARIES)


def test_a_sieve_keeps_small_numbers_times_and_own_words_only():
    sieve = Sieve(own_words(), {"front": "camera-1"}, frozenset({2468}))
    kept = {"outcome": "unknown", "at": "2026-01-01T00:00:00.000Z", "device": "front", "journal": 12, "is_open": True}
    assert sieve.facts(kept) == {**kept, "device": "camera-1"}
    assert sieve.facts({"somebody": "x", "device": "x"}) == {"device": REMOVED}
    assert [sieve.value(part) for part in (2468, 4930998877, 8321, None)] == [REMOVED, REMOVED, 8321, None]
    assert sieve.text("par_0123456789abcdefgh") == "par_0123456789abcdefgh"
    assert sieve.text("par_Xanthippe") == REMOVED and not own_words() & set(CANARIES.values())


async def test_without_daemon_enrolment_or_sound_configuration_there_is_a_bundle_all_the_same(config):
    config.write_text("this is not TOML " + CANARIES["wifi"])
    files = await asyncio.to_thread(make_bundle, config, [], now, lambda _what: None)
    judge(files, CANARIES)
    assert json.loads(files["config.json"]) == {"is_readable": False} and "doctor.json" in files
    assert not Identity(config.parent / "box").is_enrolled
