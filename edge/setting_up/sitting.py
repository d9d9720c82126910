"""One sitting: the steps from a bare box to a live shop, each done once, each to be continued."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from drivers.base import DeviceError
from edge.cli.bench_check import follow, verdict_of
from edge.cli.language import said, say
from edge.config import BadConfigError, EdgeConfig, load_config
from edge.control_client import DaemonDownError, VerbFailedError, ask, socket_path
from edge.enrolment import EnrolmentError, enrol, parse_claim
from edge.identity import Identity
from edge.labels import BadLabelError
from edge.setting_up import questions as q
from edge.setting_up.answers import Answers
from edge.setting_up.binding import Binding
from edge.setting_up.claiming import READ_S, code_of, print_box_label, read_claim
from edge.setting_up.notes import STEPS, Notes
from edge.setting_up.writing import configuration
from wire.plan import Text

READY_S = 120.0
LOOK_S = 0.3

TITLES = {
    "devices": Text(en="Find the devices and bind each to its role", zh="查找设备并分配角色"),
    "config": Text(en="Write the configuration", zh="写入配置文件"),
    "label": Text(en="Print the box's own label", zh="打印主机标签"),
    "enrol": Text(en="Claim and enrol", zh="认领并登记"),
    "daemon": Text(en="Start the daemon", zh="启动守护程序"),
    "check": Text(en="Bench check", zh="工作台自检"),
    "live": Text(en="Live", zh="开通"),
}


class SittingStoppedError(Exception):
    """A step could not be done; the message says why and what to do."""


class Sitting:
    """The steps. `go` does what is not done yet; every step may be broken off and is done again from its beginning."""

    def __init__(
        self, config: Path, answers: Answers, notes: Notes, simulators: Path | None, tell: Callable[[str], None]
    ) -> None:
        self._path, self._answers, self._notes, self._tell = config, answers, notes, tell
        self._ports_file = simulators / "ports.json" if simulators else None

    def go(self) -> None:
        """Do every step that is left. Raises SittingStoppedError or UnansweredError."""
        steps = {
            "devices": self._find, "config": self._write, "label": self._label, "enrol": self._enrol,
            "daemon": self._start, "check": self._check, "live": self._see_live,
        }  # fmt: skip
        for number, name in enumerate(STEPS, 1):
            title = say(TITLES[name].en, TITLES[name].zh)
            if name in self._notes.done and self._still_holds(name):
                self._tell(f"[{number}/{len(STEPS)}] {title}: {say('done before', '已完成')}")
                continue
            self._tell(f"[{number}/{len(STEPS)}] {title}")
            steps[name]()
            self._notes.finish(name)

    def _still_holds(self, step: str) -> bool:
        """A file that was removed or a daemon that ended meanwhile opens its step again."""
        if step == "config":
            return self._path.exists()
        if step == "enrol":
            return Identity(self._config().shop.data_dir).is_enrolled
        return step not in ("daemon", "live") or self._ask("status") is not None

    # devices and configuration

    def _find(self) -> None:
        for question in (q.LANGUAGE, q.DATA_DIR, q.PIN, q.PAGE_PORT):
            self._answers.ask(question)
        Binding(self._answers, self._notes, self._ports_file, self._tell).bind()

    def _bound(self) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, Any]]]:
        """What was bound, from the notes alone."""
        return Binding(self._answers, self._notes, self._ports_file, self._tell).bind()

    def _write(self) -> None:
        answers = self._notes.answers
        places, devices = self._bound()
        shop = {"data_dir": answers["data_dir"], "language": answers["language"]}
        attendant = {"port": int(answers["page_port"]), "pin": answers["pin"]}
        text = configuration(shop, attendant, places, devices)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.exists() and self._path.read_text(encoding="utf-8") != text:
            kept = self._path.with_suffix(".before-setup.toml")
            self._path.replace(kept)
            self._tell(say(f"  what was there is kept as {kept}", f"  原文件已保存为 {kept}"))
        partial = self._path.with_name(f".{self._path.name}.part")
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640), "w", encoding="utf-8") as file:
            file.write(text)
        partial.replace(self._path)
        config = self._config()
        config.shop.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._give_to_service(self._path, config)
        self._tell(f"  ok  {self._path}: {len(devices)} {say('devices', '台设备')}")

    def _config(self) -> EdgeConfig:
        try:
            return load_config(self._path)
        except BadConfigError as error:
            raise SittingStoppedError("\n".join(error.problems)) from None

    def _give_to_service(self, path: Path, config: EdgeConfig) -> None:
        """What root writes here is the service's, whose account owns the data directory."""
        if os.geteuid() != 0:
            return
        owner = config.shop.data_dir.stat()
        for one in [path, *(path.rglob("*") if path.is_dir() else ())]:
            os.chown(one, owner.st_uid, owner.st_gid)

    # claim and enrolment

    def _label(self) -> None:
        identity = Identity(self._config().shop.data_dir)
        code = code_of(identity)
        self._give_to_service(identity.folder, self._config())
        self._tell(say(f"  this box is {code}", f"  本机编号 {code}"))
        mall = self._answers.ask(q.MALL)
        if not mall:
            return
        _, devices = self._bound()
        try:
            url = asyncio.run(print_box_label(devices["printer"], mall, code))
        except (DeviceError, BadLabelError) as error:
            # the label is a convenience: the claim can be made without it
            self._tell(say(f"  --  not printed: {error}", f"  --  未打印：{error}"))
            self._tell(
                say(f"      open {mall}/merchant and name box {code}", f"      请打开 {mall}/merchant 并填写 {code}")
            )
            return
        self._tell(
            say(
                f"  ok  printed: take it off the printer and let the merchant scan it: {url}",
                f"  ok  已打印：请取下标签，交给商家扫描：{url}",
            )
        )

    def _enrol(self) -> None:
        config = self._config()
        identity = Identity(config.shop.data_dir)
        if identity.is_enrolled:
            self._tell(say(f"  enrolled as {identity.facts()['shop_id']}", f"  已登记为 {identity.facts()['shop_id']}"))
            return
        _, devices = self._bound()
        text = self._answers.ask(q.CLAIM, keep=False)
        if not text:
            self._tell(
                say(f"  hold the phone before scanner or camera ({READ_S:.0f} s) …", "  请把手机对准扫码枪或摄像头……")
            )
            text = asyncio.run(
                read_claim({name: devices[name] for name in ("scanner", "bench_camera") if name in devices})
            )
        try:
            answer = enrol(identity, parse_claim(text))
        except EnrolmentError as error:
            raise SittingStoppedError(say(f"not enrolled: {error}", f"登记失败：{error}")) from None
        self._give_to_service(identity.folder, config)
        self._tell(say(f"  ok  enrolled as shop {answer.shop_id}", f"  ok  已登记，店铺 {answer.shop_id}"))

    # the daemon, the check, live

    def _ask(self, verb: str, **facts: Any) -> Any:
        try:
            return ask(socket_path(self._config().shop.data_dir), verb, **facts)
        except (DaemonDownError, FileNotFoundError):
            return None

    def _start(self) -> None:
        if self._ask("status") is None:
            how = self._answers.ask(q.START)
            if how == "service":
                self._run(["systemctl", "enable", "--now", "vitrine-edge"])
            elif how == "background":
                self._background()
        self._wait(self._is_ready, say("the daemon is up and reaches the relay", "守护程序已启动并连上平台"))
        self._tell(say("  ok  it runs and reaches the relay", "  ok  运行中，已连上平台"))

    def _run(self, command: list[str]) -> None:
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own words
        except OSError as error:
            raise SittingStoppedError(f"{command[0]}: {error.strerror}") from None
        if done.returncode:
            raise SittingStoppedError(f"{' '.join(command)}: {done.stderr.strip()[-400:]}")

    def _background(self) -> None:
        log = self._config().shop.data_dir / "edge.log"
        command = [sys.executable, "-m", "edge", "run", "--config", str(self._path)]
        with log.open("ab") as file:
            made = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True)  # noqa: S603  # our own
        self._tell(say(f"  started as process {made.pid}; its log is {log}", f"  已启动，进程 {made.pid}；日志 {log}"))

    def _is_ready(self) -> bool:
        status = self._ask("status")
        return bool(status and status["is_relay_near"] and status["relay_now"])

    def _wait(self, is_so: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + READY_S
        while not is_so():
            if time.monotonic() > until:
                words = say("waited in vain until", "等待超时")
                raise SittingStoppedError(f"{words}: {what}; vitrine-edge doctor")
            time.sleep(LOOK_S)

    def _check(self) -> None:
        try:
            card = follow(self._path, "setup")
        except VerbFailedError as error:
            raise SittingStoppedError(said(error.text) or str(error)) from None
        self._tell(f"  {verdict_of(card)}")
        if not card["is_passed"]:
            raise SittingStoppedError(say("the bench check did not pass", "自检未通过"))

    def _see_live(self) -> None:
        def is_told() -> bool:
            status = self._ask("status")
            return bool(status and status["is_relay_near"] and not status["journal"]["reports_unconfirmed"])

        self._wait(is_told, say("the relay has the card", "平台已收到自检结果"))
        identity = Identity(self._config().shop.data_dir)
        self._tell(say(f"  ok  shop {identity.facts()['shop_id']} is live: the relay has its card",
                       f"  ok  店铺 {identity.facts()['shop_id']} 已开通：平台已收到自检结果"))  # fmt: skip
        port = self._config().attendant.port
        self._tell(say(f"  the attendant's page: http://127.0.0.1:{port}", f"  店员页面：http://127.0.0.1:{port}"))
