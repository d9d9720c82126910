"""What the two demonstration shops sell: names in both languages, prices, and the pieces that stand there."""

from dataclasses import dataclass, field

from wire.values import gs1_check_digit

GS1_PREFIX = "9521234"
"""Under 952, which GS1 keeps for demonstrations and examples (GS1 General Specifications 1.4.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPiece:
    """One physical piece: `spot` 0 stands on the shelf and is brought to the turntable; 1… stand before the camera.

    With `location` (aisle-shelf-bin) it lies where the sorter fetches it, and is bought without being looked at.
    """

    piece: str
    code: str
    spot: int = 0
    location: str = ""
    engraving: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoListing:
    """A listing with its pieces; `kind` and `colour` are how the simulated world draws them."""

    sku: str
    kind: str
    colour: str
    title_en: str
    title_zh: str
    description_en: str
    description_zh: str
    price_minor: int
    weight_g: int
    attributes: dict[str, str]
    pieces: tuple[DemoPiece, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoShop:
    """A merchant with one shop; `cameras` are its viewing places, `style` how its world looks."""

    name: str
    name_en: str
    name_zh: str
    merchant_en: str
    merchant_zh: str
    story_en: str
    story_zh: str
    time_zone: str
    country: str
    currency: str
    shipping_minor: int
    gs1_prefix: str
    sender_lines: tuple[str, ...]
    listings: tuple[DemoListing, ...]
    cameras: tuple[str, ...] = ("front",)
    extra: dict[str, str] = field(default_factory=dict)


def gtin_of(shop: DemoShop, listing_no: int) -> str:
    """Return the GTIN-13 of a shop's n-th listing, empty for a shop without a GS1 prefix."""
    if not shop.gs1_prefix:
        return ""
    body = f"{shop.gs1_prefix}{listing_no:0{12 - len(shop.gs1_prefix)}d}"
    return f"{body}{gs1_check_digit(body)}"


def teahouse(nonce: str) -> DemoShop:
    """The first shop: a full bench, and one teapot whose back bears `nonce`."""
    return DemoShop(
        name="teahouse",
        name_en="Yixing Teahouse",
        name_zh="宜兴茶舍",
        merchant_en="Yixing Teahouse Ltd",
        merchant_zh="宜兴茶舍有限公司",
        story_en="Purple clay teapots by three families of potters, and what belongs beside them.",
        story_zh="三家制壶人的紫砂壶，以及配壶的茶器。",
        time_zone="Asia/Shanghai",
        country="CN",
        currency="CNY",
        shipping_minor=1800,
        gs1_prefix=GS1_PREFIX,
        sender_lines=("宜兴茶舍 Yixing Teahouse", "江苏省宜兴市丁蜀镇通蜀路 88 号", "214221 宜兴 CN"),
        cameras=("front", "table"),
        listings=(
            DemoListing(
                sku="ZS-01", kind="teapot", colour="purple", price_minor=128000, weight_g=420,
                title_en="Purple clay teapot “Stone Ladle”", title_zh="紫砂茶壶 石瓢",
                description_en="Hand-built from old purple clay, 180 ml, five-hole filter. Each pot bears its own "
                "number, cut into the back before firing: turn it round and go near to read it.",
                description_zh="老紫泥全手工，容量 180 毫升，五孔出水。"
                "每把壶背面烧前刻有自己的编号：转到背面、拉近就能看清。",
                attributes={"容量 / holds": "180 ml", "泥料 / clay": "老紫泥"},
                pieces=(DemoPiece(piece="ladle-1", code="4711", engraving=nonce),
                        DemoPiece(piece="ladle-2", code="4712", engraving="YX02")),
            ),
            DemoListing(
                sku="ZS-02", kind="teapot", colour="red", price_minor=98000, weight_g=390,
                title_en="Vermilion clay teapot “Western Beauty”", title_zh="朱泥茶壶 西施",
                description_en="A round little pot of vermilion clay, 150 ml, for oolong.",
                description_zh="朱泥小西施，150 毫升，宜泡乌龙。",
                attributes={"容量 / holds": "150 ml", "泥料 / clay": "朱泥"},
                pieces=(DemoPiece(piece="beauty-1", code="4721", spot=1, engraving="YX21"),),
            ),
            DemoListing(
                sku="JZ-03", kind="bowl", colour="brown", price_minor=26000, weight_g=210,
                title_en="Tenmoku tea bowl, hare’s fur", title_zh="建盏 兔毫",
                description_en="Iron glaze that ran into hare's fur in the kiln; a bowl for whisked tea.",
                description_zh="铁釉窑变兔毫，点茶用盏。",
                attributes={"口径 / width": "13 cm"},
                pieces=(DemoPiece(piece="bowl-1", code="4731", spot=2, engraving="JZ31"),
                        DemoPiece(piece="bowl-2", code="4732", engraving="JZ32")),
            ),
            DemoListing(
                sku="QH-04", kind="round_teapot", colour="blue", price_minor=45000, weight_g=520,
                title_en="Blue-and-white teapot", title_zh="青花瓷茶壶",
                description_en="Lotus scroll painted by hand in cobalt under a clear glaze.",
                description_zh="手绘青花缠枝莲，透明釉。",
                attributes={"容量 / holds": "260 ml"},
                pieces=(DemoPiece(piece="lotus-1", code="4741", spot=3, engraving="QH41"),),
            ),
            DemoListing(
                sku="CG-05", kind="caddy", colour="red", price_minor=16800, weight_g=300,
                title_en="Red lacquer tea caddy", title_zh="朱漆茶叶罐",
                description_en="Turned wood under red lacquer, with a close lid; holds 120 g. Kept in the store room: "
                "the sorter fetches it.",
                description_zh="木胎朱漆，盖合严密，可存茶 120 克。存放在库房，由分拣机取出。",
                attributes={"容量 / holds": "120 g"},
                pieces=(DemoPiece(piece="caddy-1", code="4751", location="A-1-1", engraving="CG51"),
                        DemoPiece(piece="caddy-2", code="4752", location="A-1-2", engraving="CG52")),
            ),
        ),
    )  # fmt: skip


def studio() -> DemoShop:
    """The second shop: one fixed camera and a label printer; the rest is done by hand."""
    return DemoShop(
        name="studio",
        name_en="Northlight Studio",
        name_zh="北光工坊",
        merchant_en="Northlight Studio GmbH",
        merchant_zh="北光工坊",
        story_en="A potter's studio by the lake. Everything is thrown, glazed and packed by one pair of hands.",
        story_zh="湖边的陶艺工坊，从拉坯、上釉到打包都出自一双手。",
        time_zone="Europe/Berlin",
        country="DE",
        currency="EUR",
        shipping_minor=690,
        gs1_prefix="",
        sender_lines=("Northlight Studio", "Seestraße 12", "18546 Sassnitz DE"),
        listings=(
            DemoListing(
                sku="NL-CUP", kind="cup", colour="plum", price_minor=3200, weight_g=180,
                title_en="Plum-glazed cup", title_zh="紫釉马克杯",
                description_en="Thin, a little uneven, as hands make it.",
                description_zh="薄胎，略有手工的不规整。",
                attributes={"holds / 容量": "220 ml"},
                pieces=tuple(DemoPiece(piece=f"cup-{number}", code=f"{100 + number}", spot=int(number == 1))
                             for number in range(1, 13)),
            ),
            DemoListing(
                sku="NL-VASE", kind="vase", colour="green", price_minor=7400, weight_g=720,
                title_en="Celadon vase", title_zh="青釉花瓶",
                description_en="Thick pale glaze, crackled, darker where it gathers at the foot.",
                description_zh="厚釉开片，釉色于足部聚深。",
                attributes={"height / 高": "22 cm"},
                pieces=(DemoPiece(piece="vase-1", code="201", spot=2),),
            ),
            DemoListing(
                sku="NL-PRINT", kind="print", colour="", price_minor=5600, weight_g=350,
                title_en="Framed print “Lake in March”", title_zh="版画《三月的湖》",
                description_en="Two-plate linocut, numbered, in an oak frame.",
                description_zh="双版麻胶版画，编号，橡木框。",
                attributes={"edition / 版数": "12/40"},
                pieces=(DemoPiece(piece="print-1", code="301", spot=3),),
            ),
        ),
    )  # fmt: skip
