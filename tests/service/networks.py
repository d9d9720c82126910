"""The networks of one shop, made of namespaces: two uplinks to the world outside, and a network of devices.

    shop ──wire──── 10.77.1.0/24 ──┐
         ──radio─── 10.77.2.0/24 ──┤ outside: the relay's and the shopper's addresses
         ──lan───── 10.77.3.0/24 ──── devices

Made inside a network namespace of the caller's own (`unshare --net`), so nothing of the machine's network is touched.
"""

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

RELAY, SHOPPER, STRANGER = "203.0.113.10", "198.51.100.20", "192.0.2.30"
WIRE, RADIO, LAN = "10.77.1.2", "10.77.2.2", "10.77.3.2"
PRINTER, TILL = "10.77.3.20", "10.77.3.66"
"""Two machines in the shop's own network: one on the firewall's list, one not."""

UPLINKS = {"wire": (1, 100), "radio": (2, 600)}
"""Name → (number of its network, metric of its route)."""

FIREWALL = Path(__file__).parents[2] / "config" / "nftables" / "vitrine-shop.nft"


def run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr.strip()}"
    return done.stdout


def world_outside() -> None:
    """Give the caller's own namespace the addresses of relay, shopper and a stranger."""
    run("ip", "link", "set", "lo", "up")
    for address in (RELAY, SHOPPER, STRANGER):
        run("ip", "address", "add", f"{address}/32", "dev", "lo")


def outer_end(name: str, number: int) -> None:
    """Bring up the far end of an uplink."""
    run("ip", "address", "add", f"10.77.{number}.1/24", "dev", f"to-{name}")
    run("ip", "link", "set", f"to-{name}", "up")


def edited(firewall: str, ports: list[int]) -> str:
    """Return the shipped firewall with this world's addresses in its sets."""
    sets = {
        "relay4": RELAY, "relay_tcp_ports": ", ".join(map(str, ports)), "devices4": PRINTER,
        "resolvers4": "10.77.1.1, 10.77.2.1",
    }  # fmt: skip
    for name, elements in sets.items():
        pattern = rf"(set {name} \{{[^}}]*?elements = )\{{[^}}]*\}}"
        firewall, count = re.subn(pattern, rf"\g<1>{{ {elements} }}", firewall)
        assert count == 1, f"the shipped file has no set {name} with elements"
    return firewall


@dataclass
class Networks:
    """Namespaces by name; `tag` keeps two test runs apart."""

    tag: str
    names: list[str] = field(default_factory=list)

    @property
    def shop(self) -> str:
        return f"vitrine-{self.tag}-shop"

    @property
    def devices(self) -> str:
        return f"vitrine-{self.tag}-devices"

    def inside(self, namespace: str, arguments: list[str]) -> list[str]:
        """Return the command line that runs a program there."""
        # not `ip netns exec`: that remounts /, which a chroot has not
        return ["nsenter", f"--net=/run/netns/{namespace}", "--", *arguments]

    def make(self) -> None:
        """Make everything; the wire is plugged in, the radio is not."""
        for name in (self.shop, self.devices):
            run("ip", "netns", "add", name)
            self.names.append(name)
            run(*self.inside(name, ["ip", "link", "set", "lo", "up"]))
        world_outside()
        for name, (number, _) in UPLINKS.items():
            run("ip", "link", "add", f"to-{name}", "type", "veth", "peer", "name", name, "netns", self.shop)
            outer_end(name, number)
        self.plug("wire")
        run(
            "ip", "link", "add", "lan", "netns", self.shop, "type", "veth", "peer", "name", "lan", "netns", self.devices
        )
        run(*self.inside(self.shop, ["ip", "address", "add", f"{LAN}/24", "dev", "lan"]))
        run(*self.inside(self.shop, ["ip", "link", "set", "lan", "up"]))
        for address in (PRINTER, TILL):
            run(*self.inside(self.devices, ["ip", "address", "add", f"{address}/24", "dev", "lan"]))
        run(*self.inside(self.devices, ["ip", "link", "set", "lan", "up"]))

    def plug(self, name: str) -> None:
        """Give the shop this way out: link, address, route."""
        number, metric = UPLINKS[name]
        run(*self.inside(self.shop, ["ip", "link", "set", name, "up"]))
        run(*self.inside(self.shop, ["ip", "address", "add", f"10.77.{number}.2/24", "dev", name]))
        way = ["default", "via", f"10.77.{number}.1", "metric", str(metric)]
        run(*self.inside(self.shop, ["ip", "route", "add", *way]))

    def unplug(self, name: str) -> None:
        """Pull the cable at the shop: the link goes down, and its address and route with it."""
        run(*self.inside(self.shop, ["ip", "link", "set", name, "down"]))
        run(*self.inside(self.shop, ["ip", "address", "flush", "dev", name]))

    def load_firewall(self, folder: Path, ports: list[int], uid: int) -> Path:
        """Edit the shipped file as a technician does, check it and load it in the shop."""
        file = folder / "firewall.nft"
        file.write_text(edited(FIREWALL.read_text(), ports).replace('"vitrine-edge"', str(uid)))
        run(*self.inside(self.shop, ["nft", "-c", "-f", str(file)]))
        run(*self.inside(self.shop, ["nft", "-f", str(file)]))
        return file

    def dropped(self, chain: str) -> int:
        """Return how many packets the last rule of a chain has turned away."""
        listed = run(*self.inside(self.shop, ["nft", "list", "chain", "inet", "vitrine", chain]))
        return int(re.findall(r"counter packets (\d+)", listed)[-1])

    def remove(self) -> None:
        for name in self.names:
            run("ip", "netns", "delete", name)
