"""The shipped turnserver.conf refuses every special-purpose address of IANA's registries, and carries only pictures."""

import ipaddress
import re
from pathlib import Path

import pytest

FILE = Path(__file__).parents[3] / "config" / "coturn" / "turnserver.conf"

REGISTRIES = """
0.0.0.0/8 0.0.0.0/32 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.0.0/29
192.0.0.8/32 192.0.0.9/32 192.0.0.10/32 192.0.0.170/32 192.0.0.171/32 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24
192.88.99.0/24 192.88.99.2/32 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 240.0.0.0/4
255.255.255.255/32
::1/128 ::/128 ::ffff:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001::/32 2001:1::1/128
2001:1::2/128 2001:1::3/128 2001:2::/48 2001:3::/32 2001:4:112::/48 2001:10::/28 2001:20::/28 2001:30::/28
2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20 5f00::/16 fc00::/7 fe80::/10
"""
"""IANA's IPv4 and IPv6 Special-Purpose Address Registries, every row, whether or not it is globally reachable."""

SPECIAL = REGISTRIES.split()

BESIDE = ["224.0.0.0/4", "ff00::/8", "fec0::/10", "::/96"]
"""Multicast has registries of its own; the other two are withdrawn, and still mean something to some machines."""

PLAIN = [
    "1.1.1.1", "8.8.8.8", "100.128.0.1", "172.32.0.1", "192.0.1.1", "198.20.0.1", "223.255.255.254", "2400:cb00::1",
    "2001:200::1", "2001:4860::1", "2003::1", "2620:4f:8001::1", "3fff:1000::1", "2a00::1",
]  # fmt: skip
"""Peers that must stay possible, among them the next neighbours of what is refused."""


def values(key: str) -> list[str]:
    return re.findall(rf"^{key}(?:=(.*))?$", FILE.read_text(encoding="utf-8"), re.MULTILINE)


def denied() -> list[tuple]:
    ends = [line.partition("-") for line in values("denied-peer-ip")]
    return [(ipaddress.ip_address(first), ipaddress.ip_address(last)) for first, _, last in ends]


def is_denied(first, last) -> bool:
    """Whether both ends are refused as coturn 4.6 reckons it, which refuses :: without being told."""
    return all(str(one) == "::" or any(holds(low, high, one) for low, high in denied()) for one in (first, last))


def holds(low, high, address) -> bool:
    """Byte by byte, each for itself, as coturn 4.6 compares IPv6; from left to right as well, as another might."""
    if low.version != address.version or not low <= address <= high:
        return False
    if low.version == 4:
        return True
    ends = zip(low.packed, address.packed, high.packed, strict=True)
    return all(least <= byte <= most for least, byte, most in ends)


@pytest.mark.parametrize("text", [*SPECIAL, *BESIDE])
def test_each_special_purpose_range_is_refused_whole(text):
    network = ipaddress.ip_network(text)
    assert is_denied(network[0], network[-1])


@pytest.mark.parametrize("text", PLAIN)
def test_addresses_of_people_and_shops_are_not(text):
    address = ipaddress.ip_address(text)
    assert not is_denied(address, address)


def test_no_range_begins_at_the_unspecified_address_of_ipv6():
    """To coturn 4.6 such a range means every address, and no picture would pass."""
    assert [str(low) for low, _ in denied() if low.is_unspecified] == ["0.0.0.0"]


def test_pythons_own_idea_of_private_is_refused_too():
    """Another reading of the same registries: whatever this Python calls private, at the ends of each refused range."""
    for low, high in denied():
        for address in (low - 1 if int(low) else low, high + 1 if int(high) < 2**low.max_prefixlen - 1 else high):
            assert is_denied(address, address) or not address.is_private, address


def test_words_are_short_lived_and_nothing_but_pictures_is_carried():
    for key in ("use-auth-secret", "no-tcp-relay", "no-cli", "no-multicast-peers", "fingerprint", "no-tlsv1"):
        assert len(values(key)) == 1, key
    assert values("static-auth-secret") == ["CHANGE-ME"]
    assert int(values("user-quota")[0]) <= 16 < int(values("total-quota")[0])
    assert int(values("max-bps")[0]) * 8 >= 2_500_000 * 1.2
    for key in ("user", "lt-cred-mech", "allowed-peer-ip", "allow-loopback-peers", "no-auth", "cli-password"):
        assert values(key) == [], key
