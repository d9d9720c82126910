"""docs/install.md walked through on a bare Debian 12 that systemd boots: install, order, uplink, upgrade, removal.

    sudo python -m tests.service.booted_shop DIR [--json FILE]

DIR/machine becomes the shop PC and is kept, so that a second run is quicker. The relay, the shopper and the shop's
simulated devices run outside; devices hang on serial servers and the network. Each step is printed as it holds; the
first that does not ends the walk.
"""

import argparse
import asyncio
import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from demo.bench_check import go_live
from demo.mall import ROOT
from demo.people import SHOPPER as SHOPPER_PERSON
from demo.seed import seed_people, seed_shop, wait_for_shop
from demo.supervisor import Program, Supervisor, python_module
from tests.faults.town import Town, bowl_shop
from tests.service import networks, passage
from tests.service.behind_the_wall import order_and_viewing
from tests.service.machine import Machine, tell
from tests.service.walled_mall import WalledMall

UNIT = "vitrine-edge.service"
CONFIG = "/etc/vitrine/edge.toml"
LINES = ("front_head", "table_head", "turntable", "labeller", "scanner")
FIRST_LINE_PORT = 4001
INSTALL = ("sh", "-c", "cd /srv/vitrine && install/service edge")


class Steps:
    """Prints and times what held."""

    def __init__(self) -> None:
        self.done: list[dict] = []
        self._began_s = time.monotonic()

    def held(self, words: str) -> None:
        seconds = time.monotonic() - self._began_s
        self._began_s = time.monotonic()
        self.done.append({"step": words, "seconds": round(seconds, 1)})
        tell(f"ok  {words} ({seconds:.1f} s)")


class BootedNetworks(networks.Networks):
    """The same networks, with the booted machine for the shop."""

    def __init__(self, machine: Machine) -> None:
        super().__init__("booted")
        self._machine = machine

    def inside(self, namespace: str, arguments: list[str]) -> list[str]:
        return self._machine.inside(namespace, arguments)


class BootedMall(WalledMall):
    """The shop's world in the machine's network; the daemon is the machine's own service."""

    def __init__(self, folder: Path, shop, supervisor: Supervisor, machine: Machine) -> None:
        super().__init__(folder, shop, supervisor, BootedNetworks(machine))
        self.machine = machine

    def edge_config(self, shop) -> Path:
        """What the technician writes: the service's own data folder, serial lines by their serial server."""
        path = super().edge_config(shop)
        text = path.read_text().replace('data_dir = "box"', 'data_dir = "/var/lib/vitrine-edge"')
        for number, name in enumerate(LINES):
            text = re.sub(rf'"[^"]*/dev/{name}"', f'"tcp://127.0.0.1:{FIRST_LINE_PORT + number}"', text)
        path.write_text(text)
        return path

    async def enrol(self, shop, claim) -> None:
        """docs/install.md, steps 2 and 3."""
        machine = self.machine
        shutil.copy(self.edge_config(shop), machine.folder / CONFIG[1:])
        machine.run("chgrp", "vitrine-edge", CONFIG)
        machine.run("chmod", "640", CONFIG)
        machine.run("sh", "-c", f"cd /opt/vitrine && ./vitrine check-config --config {CONFIG}")
        words = (
            "systemd-run --pipe --wait --collect --uid=vitrine-edge -p StateDirectory=vitrine-edge "
            "-p StateDirectoryMode=0700 -p WorkingDirectory=/opt/vitrine /opt/vitrine/vitrine enrol "
            f"'{claim}' --config {CONFIG}"
        )
        await asyncio.to_thread(machine.run, "sh", "-c", words)


class BootedTown(Town):
    """The town's questions, with the journal where the service keeps it."""

    @property
    def journal(self) -> Path:
        return self.mall.machine.folder / "var/lib/vitrine-edge/journal.db"


def install(machine: Machine, steps: Steps) -> None:
    """Step 1 of docs/install.md, with this machine's network for the packages."""
    machine.take_checkout()
    machine.boot()
    steps.held("a bare Debian 12 boots under systemd")
    try:
        machine.run("apt-get", "-q", "update", check=False)
        machine.run(*INSTALL)
        steps.held("install/service edge")
        facts = machine.run("sh", "-c", f"id vitrine-edge; systemctl cat {UNIT} | head -3; ls -l /opt")
        tell(facts)
    finally:
        machine.off()


def forget(machine: Machine) -> None:
    """Take away what an earlier walk of this half left: identity and journal, the firewall, the unit's link."""
    shutil.rmtree(machine.folder / "var/lib/vitrine-edge", ignore_errors=True)
    (machine.folder / "etc/systemd/system/multi-user.target.wants/vitrine-edge.service").unlink(missing_ok=True)
    rules = machine.folder / "etc/nftables.conf"
    kept = [line for line in rules.read_text().splitlines() if "vitrine" not in line]
    rules.write_text("\n".join(kept) + "\n")


def connect(machine: Machine) -> None:
    """Lay the two uplinks of the machine."""
    forget(machine)
    networks.world_outside()
    machine.boot("--network-veth-extra=to-wire:wire", "--network-veth-extra=to-radio:radio")
    for name, (number, _) in networks.UPLINKS.items():
        networks.outer_end(name, number)
    BootedNetworks(machine).plug("wire")


def raise_firewall(machine: Machine, mall: BootedMall) -> None:
    """Step 5 of docs/install.md."""
    file = machine.folder / "etc/vitrine/firewall.nft"
    file.write_text(networks.edited(networks.FIREWALL.read_text(), [mall.ports.broker, mall.ports.door]))
    machine.run("nft", "-c", "-f", "/etc/vitrine/firewall.nft")
    machine.run("nft", "-f", "/etc/vitrine/firewall.nft")
    machine.run(
        "sh", "-c", "echo 'include \"/etc/vitrine/firewall.nft\"' >>/etc/nftables.conf; systemctl enable nftables"
    )


async def hang(machine: Machine) -> dict:
    """Stop the daemon in its tracks and wait until the watchdog had it killed and started again."""
    before = int(machine.service(UNIT, "NRestarts"))
    machine.run("systemctl", "kill", "--kill-whom=main", "--signal=SIGSTOP", UNIT)
    began_s = time.monotonic()
    while int(machine.service(UNIT, "NRestarts")) == before or machine.service(UNIT, "ActiveState") != "active":
        if time.monotonic() - began_s > 300:
            raise RuntimeError("the watchdog does nothing: " + machine.run("systemctl", "status", UNIT, check=False))
        await asyncio.sleep(0.5)
    words = machine.run("journalctl", "-b", "-u", UNIT, "--no-pager", "-o", "cat", "-g", "[Ww]atchdog")
    return {"seconds": round(time.monotonic() - began_s, 1), "journal": words.strip().splitlines()[-1]}


async def trade(folder: Path, machine: Machine, steps: Steps) -> dict:
    """Everything that happens while the shop stands in its network."""
    supervisor = Supervisor(tell, ROOT)
    mall = BootedMall(folder, bowl_shop(6), supervisor, machine)
    servers, hands = [], None
    try:
        mall.check()
        raise_firewall(machine, mall)
        steps.held("the firewall is up (nft -c, nft -f)")
        await open_shop(mall, supervisor, servers)
        steps.held("relay, enrolment as the service's user, systemctl enable --now: ready, online, bench check passed")
        await asyncio.to_thread(look_at_service, machine)
        town = BootedTown(mall, supervisor)
        await town.shopper.sign_in(SHOPPER_PERSON)
        found = await town.shopper.call("GET", "/api/search", params={"q": "bowl"})
        town.listing_id = found["hits"][0]["listing_id"]
        hands = asyncio.create_task(town.hands.run())
        facts = await order_and_viewing(town)
        steps.held("an order and a viewing behind the firewall, the uplink changed from wire to radio in mid-way")
        facts["watchdog"] = await hang(machine)
        await wait_for_shop(mall, mall.shops[0])
        steps.held(f"stopped dead, the watchdog had it started again: {facts['watchdog']['journal']}")
        facts["upgrade"] = await asyncio.to_thread(upgrade, machine, steps)
        await wait_for_shop(mall, mall.shops[0])
        steps.held("online with the release before")
        await town.shopper.close()
        await town.bench.close()
        return facts
    finally:
        if hands is not None:
            hands.cancel()
            await asyncio.gather(hands, return_exceptions=True)
        await supervisor.stop()
        for server in servers:
            server.close()


async def open_shop(mall: BootedMall, supervisor: Supervisor, servers: list) -> None:
    """Open the world, the relay, and the shop as docs/install.md says."""
    shop, machine = mall.shops[0], mall.machine
    servers += [await passage.open_outer(mall.folder, port) for port in mall.doors]
    inner = python_module("tests.service.passage", str(mall.folder), *map(str, mall.doors))
    lines = [f"{name}={FIRST_LINE_PORT + number}" for number, name in enumerate(LINES)]
    serial = python_module("tests.service.serial_server", str(mall.run_folder(shop) / "dev"), *lines)

    async def is_open() -> bool:
        return all(passage.socket_of(mall.folder, port).exists() for port in mall.doors)

    await supervisor.start(Program("passage", machine.inside("", inner), mall.logs / "passage.log", is_open))
    await supervisor.start(Program("serial", machine.inside("", serial), mall.logs / "serial.log", is_open))
    world = asyncio.create_task(mall.open_world(shop))
    await mall.open_relay()
    await world
    await seed_people(mall)
    await mall.enrol(shop, await seed_shop(mall, shop, tell))
    await asyncio.to_thread(machine.run, "systemctl", "enable", "--now", UNIT)
    await wait_for_shop(mall, shop)
    await go_live(mall, shop, tell)


def look_at_service(machine: Machine) -> None:
    """What docs/install.md promises of the running service."""
    assert machine.service(UNIT, "ActiveState") == "active"
    assert machine.service(UNIT, "StatusErrno") == "0"
    pid = machine.service(UNIT, "MainPID")
    user = machine.run("stat", "-c", "%U", f"/proc/{pid}").strip()
    assert user == "vitrine-edge", user
    assert machine.run("stat", "-c", "%a %U", "/var/lib/vitrine-edge").split() == ["700", "vitrine-edge"]
    entries = machine.run("journalctl", "-b", "-u", UNIT, "--no-pager", "-o", "json").splitlines()
    ours = [entry for entry in map(json.loads, entries) if entry.get("SYSLOG_IDENTIFIER") == "vitrine-edge"]
    assert ours
    assert all(json.loads(entry["MESSAGE"]) for entry in ours), "a line is no JSON"
    levels = {(json.loads(entry["MESSAGE"])["level"], entry["PRIORITY"]) for entry in ours}
    assert levels <= {("info", "6"), ("warning", "4"), ("error", "3"), ("critical", "2"), ("debug", "7")}, levels


def upgrade(machine: Machine, steps: Steps) -> dict:
    """An upgrade, one that fails and is taken back, and the way back."""
    first = machine.run("readlink", "/opt/vitrine").strip()
    source = machine.folder / "srv/vitrine"
    (source / "CHANGELOG.md").open("a").write("\nA newer release.\n")
    machine.run(*INSTALL)
    second = machine.run("readlink", "/opt/vitrine").strip()
    assert second != first
    assert machine.service(UNIT, "ActiveState") == "active"
    assert machine.run("readlink", "-f", f"/proc/{machine.service(UNIT, 'MainPID')}/cwd").strip() == second
    steps.held("upgraded: the new release runs")
    running = source / "edge/running.py"
    good = running.read_text()
    running.write_text(good + '\nraise RuntimeError("a bad release")\n')
    words = machine.run(*INSTALL, check=False)
    assert "going back" in words, words
    assert machine.run("readlink", "/opt/vitrine").strip() == second
    assert machine.service(UNIT, "ActiveState") == "active"
    steps.held("a release that does not become ready is taken back")
    running.write_text(good)
    machine.run("/srv/vitrine/install/service", "back", "edge")
    back = machine.run("readlink", "/opt/vitrine").strip()
    assert back == first, f"went back to {back}, not to {first}"
    steps.held("install/service back edge")
    return {"first": first, "second": second, "back_to": back}


def remove(machine: Machine, steps: Steps) -> None:
    """The last chapter of docs/install.md."""
    machine.run("/srv/vitrine/install/service", "remove", "edge")
    assert not (machine.folder / "etc/systemd/system/vitrine-edge.service").exists()
    assert not (machine.folder / "opt/vitrine").is_symlink()
    assert (machine.folder / "var/lib/vitrine-edge/journal.db").exists()
    steps.held("removed; the journal stays")
    machine.run("/srv/vitrine/install/service", "remove", "edge", "--purge")
    assert not (machine.folder / "var/lib/vitrine-edge").exists()
    assert "vitrine-edge" not in (machine.folder / "etc/passwd").read_text()
    steps.held("removed with everything it remembered")


def walk_install(folder: Path) -> dict:
    """The first half, with this machine's network, because packages come in."""
    machine, steps = Machine(folder / "machine"), Steps()
    machine.make()
    steps.held("debootstrap")
    install(machine, steps)
    return {"steps": steps.done}


def walk_trade(folder: Path) -> dict:
    """The second half, in a network namespace of its own."""
    machine, steps, town = Machine(folder / "machine"), Steps(), folder / "town"
    shutil.rmtree(town, ignore_errors=True)
    town.mkdir(parents=True)
    try:
        connect(machine)
        steps.held("it boots again, now in a network of its own with two uplinks")
        facts = asyncio.run(trade(town, machine, steps))
        remove(machine, steps)
    finally:
        machine.off()
    return {"steps": steps.done, **facts}


def main() -> int:
    """Walk both halves, or the one that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.service.booted_shop", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the machine is made and kept")
    parser.add_argument("--json", type=Path, help="write what was seen to this file")
    parser.add_argument("--half", choices=["install", "trade"], help="walk one half only")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    folder = chosen.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if chosen.here:
        facts = (walk_install if chosen.half == "install" else walk_trade)(folder)
        print(json.dumps(facts, ensure_ascii=False))
        return 0
    halves = {}
    for half, before in (("install", []), ("trade", ["unshare", "--net"])):  # no link of this machine is touched
        if chosen.half not in (None, half):
            continue
        words = [*before, sys.executable, "-m", "tests.service.booted_shop", str(folder), "--half", half, "--here"]
        told = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)
        if told.returncode:
            return told.returncode
        halves[half] = json.loads(told.stdout.splitlines()[-1])
    whole = {**halves.get("trade", {}), "steps": [step for half in halves.values() for step in half["steps"]]}
    if chosen.json:
        chosen.json.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(whole['steps'])} steps held")
    return 0


if __name__ == "__main__":
    sys.exit(main())
