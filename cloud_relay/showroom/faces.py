"""What stands on a tag, on paper from a sheet and from the shop's label printer alike."""

from sqlalchemy import RowMapping

from cloud_relay.showroom import rules, service
from cloud_relay.showroom.rules import TagKind
from cloud_relay.web.amounts import money
from wire.tags import TagFace

HEADINGS = {
    TagKind.SAMPLE: "样品 Sample",
    TagKind.SHELF: "",
    TagKind.PLACE: "位置 Place",
}


def face_of(row: RowMapping, root: str) -> TagFace:
    """Return what stands on a tag. Its price is the usual one: paper outlives a price for a time."""
    kind, title = TagKind(row["kind"]), service.title_of(row)
    titles = (title["zh"],) if title["zh"] == title["en"] else (title["zh"], title["en"])
    price = ""
    if kind is not TagKind.PLACE:
        price = money(row["price_minor"] + row["price_difference_minor"], row["currency"])
    names = " ".join(dict.fromkeys(name for name in (row["name_zh"], row["name_en"]) if name))
    sku = row["variant_sku"] or row["sku"] or ""
    return TagFace(
        address=rules.address_of(root, row["tag_id"], service.gtin_of(row)), printed=rules.printed(row["tag_id"]),
        heading=HEADINGS[kind], titles=titles, price=price, foot=f"{names} · {sku}" if sku else names,
    )  # fmt: skip
