"""Pictures of order steps on their way from a shop: offered and signed, asked for once, taken if the hash fits."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from cloud_relay.authority import is_signed_by
from cloud_relay.outbox import send_command
from cloud_relay.refusals import RefusedError
from cloud_relay.shop_door import store
from cloud_relay.shop_link.register import Register
from wire.codec import from_base64url
from wire.commands import UploadPicture
from wire.reports import PictureKind, PictureOffered, signed_picture
from wire.values import format_time

UPLOAD_LIFE = timedelta(seconds=UploadPicture.DEADLINE_S)

OWNERS = {
    PictureKind.BENCH_CHECK: store.has_check,
    PictureKind.SPIN: store.has_piece_view,
    PictureKind.LISTING: store.has_draft,
}
UNTOLD = frozenset({PictureKind.BENCH_CHECK, PictureKind.SPIN})
"""Pictures that are of no parcel, and what says that the shop may offer them: they name it where others name theirs."""


@dataclass(frozen=True, slots=True)
class PictureDesk:
    """Takes offers and uploads. `door_url` is where shops put pictures, `bytes_max` the largest one."""

    door_url: str
    bytes_max: int
    register: Register

    def take_offer(self, connection: Connection, shop_id: str, offer: PictureOffered, now: datetime) -> None:
        """Check the shop's signature over an offered picture and ask for it, at an address that works once."""
        self._check(connection, shop_id, offer, now)
        known = store.find_picture(connection, offer.picture_sha256)
        if known is not None and (known.stored_at is not None or known.owner_id != shop_id):
            return
        token = secrets.token_urlsafe(32)
        upload = {
            "upload_token_sha256": hashlib.sha256(token.encode()).hexdigest(),
            "upload_until": now + UPLOAD_LIFE,
        }
        if known is None:
            store.insert_picture(connection, {**_row(shop_id, offer), **upload})
        else:
            store.update_picture(connection, offer.picture_sha256, upload)
        url = f"{self.door_url}/shop-door/pictures/{token}"
        command = UploadPicture(picture_sha256=offer.picture_sha256, url=url)
        send_command(connection, shop_id, command, now, subject=offer.parcel_id)

    def _check(self, connection: Connection, shop_id: str, offer: PictureOffered, now: datetime) -> None:
        if not 0 < offer.size_bytes <= self.bytes_max:
            raise RefusedError(
                "picture_too_large", f"At most {self.bytes_max} bytes", f"最多 {self.bytes_max} 字节", 422
            )
        is_known = OWNERS.get(offer.kind, store.has_parcel)(connection, shop_id, offer.parcel_id)
        if not is_known:
            raise RefusedError("unknown_parcel", "This shop has no such parcel", "本店没有该包裹", 422)
        if len(offer.picture_sha256) != 64:
            raise RefusedError("bad_hash", "picture_sha256 must be 64 hex digits", "picture_sha256 无效", 422)
        signed = signed_picture(
            shop_id,
            offer.parcel_id,
            offer.kind,
            offer.picture_sha256,
            format_time(offer.taken_at),
            offer.previous_sha256,
        )
        signature = from_base64url(offer.signature, "signature")
        if not any(is_signed_by(key, signature, signed) for key in store.keys_of(connection, shop_id, now)):
            raise RefusedError("bad_signature", "The picture is not signed by this shop", "图片签名无效", 422)

    def take_upload(
        self, connection: Connection, token: str, content: bytes, size_px: tuple[int, int], now: datetime
    ) -> str:
        """Mark an offered picture as stored and tell the rooms; return its hash. Other bytes than those are refused.

        A repeat of a finished upload (its answer was lost) is answered alike.
        """
        row = self.find_upload(connection, token, content, now)
        if row.stored_at is None:
            width_px, height_px = size_px
            stored = {"stored_at": now, "width_px": width_px, "height_px": height_px, "size_bytes": len(content)}
            store.update_picture(connection, row.picture_sha256, stored)
            kind = PictureKind(row.kind)
            for handler in self.register.pictures if kind not in UNTOLD else ():
                handler(connection, row.owner_id, row.parcel_id, kind, row.picture_sha256, now)
        return str(row.picture_sha256)

    def find_upload(self, connection: Connection, token: str, content: bytes, now: datetime) -> store.PictureRow:
        """Return the picture row that `token` is for, if the content is the offered one."""
        row = store.find_upload(connection, hashlib.sha256(token.encode()).hexdigest())
        if row is None or row.upload_until is None or row.upload_until <= now:
            raise RefusedError("bad_upload", "This upload address is unknown or expired", "上传地址无效或已过期", 404)
        if hashlib.sha256(content).hexdigest() != row.picture_sha256:
            raise RefusedError(
                "wrong_picture", "These are not the bytes that were offered", "内容与申报的图片不符", 422
            )
        return row


def _row(shop_id: str, offer: PictureOffered) -> dict[str, object]:
    return {
        "picture_sha256": offer.picture_sha256, "owner_id": shop_id, "kind": offer.kind.value,
        "media_type": "image/jpeg", "size_bytes": offer.size_bytes, "parcel_id": offer.parcel_id[:64],
        "previous_sha256": offer.previous_sha256[:64],
        "signature": offer.signature[:200], "taken_at": offer.taken_at,
    }  # fmt: skip
