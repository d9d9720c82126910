"""Whom the shipped coturn lets in, and to which peers it sends; prints JSON. Run inside `unshare --net`."""

import ipaddress
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from cloud_relay.viewing.turn import turn_name, turn_word
from tests.cloud_relay.viewing.test_coturn import BESIDE, PLAIN, SPECIAL
from tests.service.coturn import PORT, SECRET, TURN4, TURN6, give_addresses, running_coturn
from tests.service.turn_client import TurnClient


def client(*, secret: str = SECRET, life_s: int = 600, session: str = "ses_one", server: str = TURN4) -> TurnClient:
    name = turn_name(session, datetime.now(UTC), life_s)
    return TurnClient((server, PORT), name, turn_word(secret, name))


def allocation(**values) -> int:
    one = client(**values)
    try:
        return one.allocate()
    finally:
        one.close()


def answers(addresses: list[str]) -> dict[str, int]:
    """Ask for a permission to each address, from an allocation of its family."""
    found: dict[str, int] = {}
    for version, server in ((4, TURN4), (6, TURN6)):
        one = client(session=f"ses_{version}", server=server)
        assert one.allocate(version) == 0, f"no allocation of IPv{version}"
        found |= {text: one.permit(text) for text in addresses if ipaddress.ip_address(text).version == version}
        one.close()
    return found


def ends(texts: list[str]) -> list[str]:
    networks = [ipaddress.ip_network(text) for text in texts]
    inside = ((network[0], network[network.num_addresses // 3], network[-1]) for network in networks)
    return sorted({str(one) for three in inside for one in three})


def main(folder: Path) -> dict:
    give_addresses()
    with running_coturn(folder):
        return {
            "good": allocation(),
            "expired": allocation(life_s=-1),
            "forged": allocation(secret="another"),
            "quota": [allocation(session="ses_greedy") for _ in range(18)],
            "special": answers(ends([*SPECIAL, *BESIDE])),
            "plain": answers(PLAIN),
        }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
