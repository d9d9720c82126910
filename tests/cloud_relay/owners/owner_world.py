"""A market in which people bought one listing and say yes to being asked about it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from cloud_relay import tables
from cloud_relay.owners import asking, reading, talking
from cloud_relay.records import consent
from tests.cloud_relay.trade_world import World

MOMENT = timedelta(milliseconds=1)
QUESTION = "Does it pour well?"


@dataclass
class Owners:
    """Shortcuts around `world`; `buy` makes who buys consent unless told otherwise."""

    world: World
    listing_id: str = "lis_1"
    random: Random = field(default_factory=lambda: Random(7))
    bought: int = 0

    def run(self, use: Any, *args: Any) -> Any:
        return self.world.database.run_now(use, *args)

    def buy(self, account_id: str, *, ago: timedelta = timedelta(days=1), yes: bool = True, **values: Any) -> str:
        if not self.world.rows(tables.account, tables.account.c.account_id == account_id):
            self.world.account(account_id, nickname=f"nick-{account_id}")
        self.bought += 1
        purchase_id = f"pur_{self.bought}"
        row = {
            "purchase_id": purchase_id, "account_id": account_id, "listing_id": self.listing_id, "shop_id": "teahouse",
            "merchant_id": "mer_1", "price_minor": 9900, "currency": "CNY", "how": "online",
            "bought_at": self.world.now - ago,
        }  # fmt: skip
        self.world.add(tables.purchase, **{**row, **values})
        if yes:
            self.run(consent.give, account_id, consent.Use.ASK_OWNERS, self.world.now)
        return purchase_id

    def crowd(self, count: int = 4) -> list[str]:
        names = [f"owner{number}" for number in range(count)]
        for name in names:
            self.buy(name)
        return names

    def list(self, asker: str = "ann", days: int = 30) -> dict[str, Any]:
        return self.run(asking.list_owners, asker, self.listing_id, days, self.world.now, self.random)

    def ask(self, owner_id: str, asker: str = "ann", text: str = QUESTION) -> str:
        return self.run(asking.ask, asker, owner_id, text, self.world.now, self.random)["talk_id"]

    def who(self, owner_id: str) -> str:
        return self.world.rows(tables.listed_owner, tables.listed_owner.c.owner_id == owner_id)[0]["account_id"]

    def asked(self, asker: str = "ann") -> tuple[str, str]:
        """Ask the first of the list; return the talk and who was asked."""
        owner_id = self.list(asker)["owners"][0]["owner_id"]
        who = self.who(owner_id)
        return self.ask(owner_id, asker), who

    def open(self, asker: str = "ann") -> tuple[str, str]:
        talk_id, who = self.asked(asker)
        self.write(talk_id, who, "It does.")
        return talk_id, who

    def write(self, talk_id: str, account_id: str, text: str) -> str:
        return self.run(talking.write, talk_id, account_id, text, self.world.now)["message_id"]

    def read(self, talk_id: str, account_id: str = "ann") -> dict[str, Any]:
        return self.run(reading.read_talk, talk_id, account_id, self.world.now)

    def told(self, account_id: str, kind: str = "") -> int:
        where = [tables.notice.c.account_id == account_id, tables.notice.c.kind.startswith(kind or "owner_")]
        return len(self.world.rows(tables.notice, *where))

    def events(self, account_id: str) -> int:
        where = (tables.page_event.c.channel == f"account:{account_id}", tables.page_event.c.kind == "talk")
        return len(self.world.rows(tables.page_event, *where))

    def at(self, now: datetime) -> None:
        self.world.now = now
