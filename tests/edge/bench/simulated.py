"""A simulated world as a process of its own, for the bench's tests: ports, hands, faults, truth."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
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
[[piece]]
id = "piece_1"
code = "4701"
title_zh = "朱漆茶罐"
title_en = "Red lacquer tea caddy"
kind = "caddy"
spot = 1
[[piece]]
id = "piece_2"
code = "4702"
title_zh = "建盏"
title_en = "Tea bowl"
kind = "bowl"
"""


class SimulatedWorld:
    """One running world."""

    def __init__(self, folder: Path, world: str = WORLD) -> None:
        self.folder = folder
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

    def labels(self) -> list[dict[str, Any]]:
        return json.loads((self.folder / "labels_printed.json").read_text())

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = (self.folder / "truth.jsonl").read_text().splitlines()
        return [entry for entry in map(json.loads, lines) if entry["event"] == name]

    def stop(self) -> int:
        self.process.stdin.close()
        code = self.process.wait(30)
        self.process.stdout.close()
        return code
