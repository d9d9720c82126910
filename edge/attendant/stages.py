"""What the page calls each stage of a parcel, in both languages."""

from edge.flows.fulfilment import Stage
from wire.plan import Text

STAGES: dict[Stage, Text] = {
    Stage.NEW: Text(en="Just arrived", zh="刚收到"),
    Stage.STILL: Text(en="Its picture is being taken", zh="正在拍照"),
    Stage.RESERVED: Text(en="Reserved, not paid yet", zh="已预留，未付款"),
    Stage.IN_LINE: Text(en="Waits for the bench", zh="等待工作台"),
    Stage.PICKING: Text(en="To be fetched", zh="待取货"),
    Stage.STILL_AT_BENCH: Text(en="Its picture is being taken at the bench", zh="正在工作台拍照"),
    Stage.STILL_BLOCKED: Text(en="Waits: no picture yet", zh="等待：还没有照片"),
    Stage.PACKING: Text(en="Being packed", zh="正在打包"),
    Stage.PACKING_BLOCKED: Text(en="Waits: packing cannot start", zh="等待：无法打包"),
    Stage.PACKING_IN_DOUBT: Text(en="Was it packed?", zh="是否已打包？"),
    Stage.WAITING_FOR_LABEL: Text(en="Packed, waits to be paid", zh="已打包，等待付款"),
    Stage.SETTING_ASIDE: Text(en="To be put aside", zh="待放到一旁"),
    Stage.ASIDE: Text(en="Put aside, packed", zh="已打包，放在一旁"),
    Stage.BRINGING_BACK: Text(en="To be brought back to the bench", zh="待拿回工作台"),
    Stage.TAKEN_OVER: Text(en="Taken over from the box before: how far is it?", zh="接手旧主机的包裹：做到哪一步了？"),
    Stage.LABELLED_ASIDE: Text(en="Put aside, labelled", zh="已贴标签，放在一旁"),
    Stage.PRINTING: Text(en="Its label is being printed", zh="正在打印标签"),
    Stage.PRINTING_BLOCKED: Text(en="Waits: the label cannot be printed", zh="等待：无法打印标签"),
    Stage.PRINTING_IN_DOUBT: Text(en="Was the label printed?", zh="标签是否已打印？"),
    Stage.APPLYING: Text(en="The label is being stuck on", zh="正在贴标签"),
    Stage.APPLYING_BLOCKED: Text(en="Waits: the label cannot be stuck on", zh="等待：无法贴标签"),
    Stage.APPLYING_IN_DOUBT: Text(en="Is the label on the parcel?", zh="标签贴上了吗？"),
    Stage.READING_BACK: Text(en="The label is being read back", zh="正在核对标签"),
    Stage.READING_BLOCKED: Text(en="Waits: the label cannot be read", zh="等待：无法读取标签"),
    Stage.LABEL_WRONG: Text(en="A wrong label is on it", zh="标签贴错"),
    Stage.PHOTOGRAPHING: Text(en="Being photographed", zh="正在拍包裹照片"),
    Stage.PHOTO_BLOCKED: Text(en="Waits: no photo yet", zh="等待：还没有包裹照片"),
    Stage.PHOTO_OFFERED: Text(en="The shopper looks at the photo", zh="顾客正在确认照片"),
    Stage.READY: Text(en="Ready for the courier", zh="可以交给快递"),
    Stage.REWORK: Text(en="Back on the bench: the shopper objects", zh="顾客有异议，需返工"),
    Stage.VOIDING_LABEL: Text(en="The old label is to be destroyed", zh="待销毁旧标签"),
    Stage.HANDED_OVER: Text(en="Handed over", zh="已交给快递"),
    Stage.UNPACKING: Text(en="To be unpacked", zh="待拆包"),
    Stage.PUTTING_BACK: Text(en="To be put back", zh="待放回原处"),
    Stage.RETURNED: Text(en="Back at its place", zh="已放回原处"),
    Stage.CANCELLING_LABEL: Text(en="Cancelled: the label is to be destroyed", zh="已取消：待销毁标签"),
    Stage.CANCELLING_PARCEL: Text(en="Cancelled: to be unpacked", zh="已取消：待拆包"),
    Stage.CANCELLING_PIECE: Text(en="Cancelled: to be put back", zh="已取消：待放回"),
    Stage.CANCELLED: Text(en="Cancelled", zh="已取消"),
    Stage.PIECE_GONE: Text(en="The piece is not there", zh="货品不在"),
}
"""A test asks that no stage is missing."""

TO_COLLECT = Text(en="Waits to be collected", zh="等待自取")
"""What READY is called for a parcel that the shopper collects."""
