"""Binds roles to devices: shows what was found, tries what was chosen, keeps what answered."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.cli.language import say
from edge.reasons import sentence_for
from edge.setting_up.answers import Answers, UnansweredError
from edge.setting_up.finding import Place, candidates, likeliness, plugged_in
from edge.setting_up.notes import Notes
from edge.setting_up.questions import LABEL_LENGTH, LABEL_WIDTH, NONE, VIEWING, Question
from edge.setting_up.roles import BENCH_ROLES, PRINTER, Role, viewing_camera, viewing_head, viewing_table
from edge.setting_up.trying import Tried, try_each
from wire.plan import Text
from wire.values import BadValueError, check_id

AUTO = "auto"
"""The answer of a file that takes the first found device that answers."""


class Binding:
    """Every role of one shop. `bind` may be broken off at any moment and goes on with the next role."""

    def __init__(self, answers: Answers, notes: Notes, ports_file: Path | None, tell: Callable[[str], None]) -> None:
        self._answers, self._notes, self._ports_file, self._tell = answers, notes, ports_file, tell

    def bind(self) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, Any]]]:
        """Return the viewing places and the devices by name."""
        devices: dict[str, dict[str, Any]] = {}
        for role in BENCH_ROLES:
            more: dict[str, Any] = {}
            if role is PRINTER:
                width, length = self._answers.ask(LABEL_WIDTH), self._answers.ask(LABEL_LENGTH)
                more = {"width_mm": float(width), "length_mm": float(length)}
            self._bind(role, role.key, more, devices)
        places: dict[str, dict[str, str]] = {}
        for name in self._names():
            self._bind(viewing_camera(name), name, {}, devices)
            place = {}
            if self._bind(viewing_head(name), f"{name}_head", {}, devices):
                place["head"] = f"{name}_head"
            if self._bind(viewing_table(name), f"{name}_table", {}, devices):
                place["turntable"] = f"{name}_table"
            places[name] = place
        return places, devices

    def _names(self) -> list[str]:
        def fault(answer: str) -> str:
            try:
                for name in answer.split():
                    check_id(name, "name")
            except BadValueError as error:
                return str(error)
            return ""

        question = Question(key=VIEWING.key, text=VIEWING.text, why=VIEWING.why, fault=fault)
        return self._answers.ask(question).split()

    def _bind(self, role: Role, name: str, more: dict[str, Any], devices: dict[str, dict[str, Any]]) -> bool:
        kept = self._notes.answers.get(f"device {role.key}")
        table = json.loads(kept) if kept else self._choose(role, more)
        if not kept:
            self._notes.keep(f"device {role.key}", json.dumps(table))
        if not table:
            return False
        devices[name] = table
        return True

    def _choose(self, role: Role, more: dict[str, Any]) -> dict[str, Any]:
        """Ask until something answers, or until there is said to be none; returns the device's section."""
        taken = {table.get("address") or table.get("url") or table.get("source") for table in self._kept()}
        found = [place for place in plugged_in(role, self._ports_file) if place.address not in taken]
        while True:
            address = self._address(role, found)
            if address == NONE:
                return {}
            tried = self._try(role, [place.address for place in found] if address == AUTO else [address], more)
            if tried.options is not None:
                return {"kind": role.kind, "model": tried.model, **tried.options}
            if self._answers.is_unattended:
                raise UnansweredError(f"{role.key}: {tried.words}")

    def _kept(self) -> list[dict[str, Any]]:
        return [json.loads(text) for key, text in self._notes.answers.items() if key.startswith("device ")]

    def _try(self, role: Role, addresses: list[str], more: dict[str, Any]) -> Tried:
        tried = Tried(words=say("nothing was found", "没有找到设备"))
        for address in addresses:
            tried = try_each(role.kind, candidates(role, address), more)
            if tried.answers:
                state = sentence_for(tried.reason)
                words = say(state.en, state.zh) or say("well", "正常")
                self._tell(f"  ok  {role.kind}.{tried.model} {say('answers', '应答')}: {words}  ({address})")
                break
            sentence = sentence_for(tried.reason or "offline")
            self._tell(f"  --  {address}: {say(sentence.en, sentence.zh)}\n      {tried.words}")
        return tried

    def _address(self, role: Role, found: list[Place]) -> str:
        title = say(role.text.en, role.text.zh)
        if not self._answers.is_unattended:
            self._tell(f"{title}:")
            for number, place in enumerate(found, 1):
                self._tell(f"  {number}  {place.words}  {place.address}")
        likely = "1" if found and likeliness(role, found[0]) else ""
        default = (NONE if role.may_lack else "") if self._answers.is_unattended else likely or (NONE * role.may_lack)

        def fault(answer: str) -> str:
            if answer == NONE and not role.may_lack:
                return say("this one is needed", "此项必需")
            if answer.isdigit() and role.kind != "camera" and not 0 < int(answer) <= len(found):
                return say(f"1 to {len(found)}, or an address", f"1 到 {len(found)}，或输入地址")
            return "" if answer else say("a number of the list, or an address", "请输入编号或地址")

        en = f"{role.text.en}: number, address" + (", or none" if role.may_lack else "")
        zh = f"{role.text.zh}：编号、地址" + ("，没有则输入 none" if role.may_lack else "")
        question = Question(key=role.key, text=Text(en=en, zh=zh), why=role.why, default=default, fault=fault)
        answer = self._answers.ask(question, keep=False)
        is_number = answer.isdigit() and 0 < int(answer) <= len(found) and not self._answers.is_unattended
        return found[int(answer) - 1].address if is_number else answer
