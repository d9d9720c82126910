"""A simulated world as a process of its own, for the bench's tests: ports, hands, faults, truth."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]

WORLD = """
[world]
name = "bench"
[camera.bench]
place = "bench"
[printer.printer]
speed_mm_s = 1500.0
[labeller.labeller]
rapid_mm_min = 120000.0
rapid_z_mm_min = 60000.0
[packer.packer]
job_s = 0.3
[scanner.scanner]
"""

PIECE = """
[[piece]]
id = "piece_{0}"
code = "47{0:02}"
title_zh = "建盏"
title_en = "Tea bowl"
kind = "bowl"
"""

PIECES = 12


class SimulatedWorld:
    """One running world."""

    def __init__(
        self, folder: Path, machines: str = WORLD, pieces: int = PIECES, location: Callable[[int], str] | None = None
    ) -> None:
        self.folder = folder
        world = machines
        for number in range(1, pieces + 1):
            world += PIECE.format(number) + (f'location = "{location(number)}"\n' if location else "")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "world.toml").write_text(world, encoding="utf-8")
        command = [sys.executable, "-m", "drivers.simulators", "run", str(folder / "world.toml")]
        self.process = subprocess.Popen(
            [*command, "--dir", str(folder), "--with-parent"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        said: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.control, self.ports, self.stills = said["control"], said["ports"], said["stills"]

    def post(self, path: str, body: dict[str, Any]) -> int:
        """Return the status: 200 done, 409 not possible now, 400 wrongly asked."""
        request = urllib.request.Request(self.control + path, json.dumps(body).encode(), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            error.close()
            return error.code

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.control + path, timeout=60) as answer:
            return json.loads(answer.read())

    def labels(self) -> list[dict[str, Any]]:
        return json.loads((self.folder / "labels_printed.json").read_text())

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = (self.folder / "truth.jsonl").read_text().splitlines()
        return [entry for entry in map(json.loads, lines) if entry["event"] == name]

    def tidy(self) -> None:
        """Take the parcel away, clear the printer's mouth and mend every machine: ready for the next order."""
        for act in ("refill", "close_cover", "clear_jam", "close_door", "load_film", "release_stop", "take_away"):
            self.post("/hands", {"act": act})
        while self.post("/hands", {"act": "peel_label", "from": "mouth"}) == 200:
            pass

    def stop(self) -> int:
        self.process.stdin.close()
        code = self.process.wait(30)
        self.process.stdout.close()
        return code
