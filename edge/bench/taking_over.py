"""What a new box does with a dead one's parcels: it knows what the relay knew, and believes what a person finds."""

from edge.bench import parcel as rows
from edge.bench.parcel import LabelRow, LabelState, Parcel
from edge.bench.steps import Steps
from edge.bench.telling import Facts
from edge.flows.fulfilment import Event, Stage
from edge.journal.transaction import Transaction
from edge.reading import LABEL_URL
from wire.codec import to_json
from wire.commands import PhotoAnswer, TakeOverParcel

_GIVEN_UP = {"release": Event.RELEASE, "cancel": Event.CANCEL}


def take_over(tx: Transaction, steps: Steps, parcel: Parcel, command: TakeOverParcel, act_until: str) -> None:
    """Store what the relay knows of the parcel, and ask the attendant where it is. No machine moves before."""
    parcel.order_id, parcel.act_until = command.order_id, act_until
    parcel.still_sha256 = command.still_sha256
    parcel.photo_sha256 = command.photo_sha256
    parcel.last_sha256 = command.photo_sha256 or command.still_sha256
    parcel.photo_answer = command.photo_answer.value if command.photo_answer else ""
    if command.label is not None:
        parcel.label, parcel.label_no = to_json(command.label), command.label.label_no
        for serial in command.serials:
            _keep(tx, parcel, serial, LabelState.PRINTED)
        for serial in command.void_serials:
            _keep(tx, parcel, serial, LabelState.VOID)
        parcel.serial = command.serials[-1] if command.serials else ""
    steps.feed(parcel, Event.TAKE_OVER, Facts(reason="taken_over"))
    if command.ends in _GIVEN_UP:
        steps.feed(parcel, _GIVEN_UP[command.ends])


def _keep(tx: Transaction, parcel: Parcel, serial: str, state: LabelState) -> LabelRow:
    content = parcel.content()
    mark = "&" if "?" in content.resolver_url else "?"
    label = LabelRow(
        serial=serial,
        parcel_id=parcel.parcel_id,
        state=state,
        label_no=content.label_no,
        url=f"{content.resolver_url}{mark}s={serial}",
        sscc=content.sscc,
        goods_code=content.goods_code,
        merchant_code=content.merchant_code,
        is_reported=True,
    )
    rows.save_label(tx, label, "label_taken_over")
    return label


def find_stranger(tx: Transaction, text: str) -> LabelRow | None:
    """Return the label of a taken-over parcel that the dead box printed and told nobody of; it is stored on the way.

    Its large code must be the one that the relay ordered for this parcel; only the serial is new.
    """
    address = LABEL_URL.fullmatch(text)
    if address is None or rows.load_label(tx, address[1]) is not None:
        return None
    for parcel in rows.open_parcels(tx):
        if parcel.stage is not Stage.TAKEN_OVER or parcel.label is None:
            continue
        url = parcel.content().resolver_url
        if text == f"{url}{'&' if '?' in url else '?'}s={address[1]}":
            return _adopt(tx, parcel, address[1])
    return None


def _adopt(tx: Transaction, parcel: Parcel, serial: str) -> LabelRow:
    older = rows.load_label(tx, parcel.serial) if parcel.serial else None
    if older is not None:
        older.state = LabelState.VOID
        rows.save_label(tx, older, "label_void")
    label = _keep(tx, parcel, serial, LabelState.INTENDED)
    label.is_reported = False
    rows.save_label(tx, label, "label_found")
    parcel.serial = serial
    rows.save(tx, parcel, "label_found")
    return label


def feed_on_parcel(tx: Transaction, steps: Steps, parcel: Parcel, facts: Facts) -> None:
    """The scanned label is on the parcel: go on from the photo that the shopper saw, or have the label read again."""
    label = rows.load_label(tx, parcel.serial)
    if not parcel.photo_sha256 or label is None or not label.is_reported:
        parcel.photo_sha256 = ""
        steps.feed(parcel, Event.ON_PARCEL, facts)
        return
    steps.feed(parcel, Event.ON_PARCEL_SHOWN, facts)
    if parcel.stage is Stage.PHOTO_OFFERED and parcel.photo_answer:
        is_no = parcel.photo_answer == PhotoAnswer.OBJECTED
        steps.feed(parcel, Event.OBJECTED if is_no else Event.CONFIRMED, facts)
