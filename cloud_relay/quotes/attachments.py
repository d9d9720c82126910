"""Pictures of what is wanted and clips of what is offered: sealed, shown to the two sides, deleted with the end."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from cloud_relay.accounts.roles import check_reach
from cloud_relay.catalog.reading import missing
from cloud_relay.onboarding.vault import Vault
from cloud_relay.quotes import rules, service, store
from cloud_relay.quotes.rules import QuoteRequestState, QuoteState
from cloud_relay.refusals import RefusedError
from wire.values import new_id

PICTURE, CLIP = "picture", "clip"


def may_add_picture(connection: Connection, account_id: str, quote_request_id: str, now: datetime) -> RowMapping:
    """Return one's own request if a picture more may be added to it; RefusedError otherwise."""
    row = service.own_request(connection, account_id, quote_request_id)
    state = rules.state_at(row["state"], row["open_until"], now)
    if state is not QuoteRequestState.OPEN:
        raise rules.refusal(state)
    if len(store.pictures_of(connection, quote_request_id)) >= rules.PICTURES_MAX:
        raise RefusedError(
            "too_many_pictures", f"At most {rules.PICTURES_MAX} pictures: remove one first",
            f"最多 {rules.PICTURES_MAX} 张图片，请先删除一张",
        )  # fmt: skip
    return row


def add_picture(
    connection: Connection, account_id: str, quote_request_id: str, content: bytes, vault: Vault, now: datetime
) -> dict[str, Any]:
    """Seal a cleaned picture into one's own open request."""
    row = may_add_picture(connection, account_id, quote_request_id, now)
    attachment_id = _insert(connection, row, None, PICTURE, content, "image/jpeg", vault, now)
    return {"quote_request_id": quote_request_id, "attachment_id": attachment_id}


def may_add_clip(
    connection: Connection, merchant_ids: Iterable[str], quote_id: str, now: datetime
) -> tuple[RowMapping, RowMapping]:
    """Return (request, quote) if a merchant's own quote stands; RefusedError otherwise."""
    found = store.find_quote(connection, quote_id)
    if found is None or not check_reach(merchant_ids, found["merchant_id"]):
        raise missing()
    row = store.find_request(connection, found["quote_request_id"])
    assert row is not None
    if rules.quote_state(service.view_of(row, found, now), now) is not QuoteState.OPEN:
        raise RefusedError(
            "quote_over", "This quote stands no more: nothing can be added", "此报价已失效，无法添加视频"
        )
    if store.count_clips(connection, found["merchant_id"], quote_id, now) >= rules.CLIPS_MAX:
        raise RefusedError(
            "too_many_clips", f"You keep {rules.CLIPS_MAX} clips: delete that of another quote first",
            f"您已保存 {rules.CLIPS_MAX} 段视频，请先删除其他报价的视频",
        )  # fmt: skip
    return row, found


def add_clip(
    connection: Connection, merchant_ids: Iterable[str], quote_id: str, clip: tuple[bytes, str], vault: Vault,
    now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Seal a cleaned clip (bytes, media type) into one's own standing quote; an older one of it is deleted."""
    row, found = may_add_clip(connection, merchant_ids, quote_id, now)
    store.delete_clips(connection, quote_id)
    attachment_id = _insert(connection, row, found, CLIP, *clip, vault, now)
    return {"quote_id": quote_id, "attachment_id": attachment_id}


def _insert(
    connection: Connection, row: RowMapping, found: RowMapping | None, kind: str, content: bytes, media_type: str,
    vault: Vault, now: datetime,
) -> str:  # fmt: skip
    attachment_id = new_id("qat")
    values = {
        "attachment_id": attachment_id, "quote_request_id": row["quote_request_id"],
        "quote_id": found["quote_id"] if found else None, "kind": kind, "media_type": media_type,
        "size_bytes": len(content), "content_sealed": vault.seal(content, _about(kind, attachment_id)),
        "added_at": now,
    }  # fmt: skip
    store.insert_attachment(connection, values)
    service.refresh(connection, row, now)
    return attachment_id


def _about(kind: str, attachment_id: str) -> str:
    return f"quote {kind} {attachment_id}"


def remove(
    connection: Connection, account_id: str, merchant_ids: Iterable[str], attachment_id: str, now: datetime
) -> dict[str, Any]:
    """Delete a picture of one's own request, or a clip of one's own quote."""
    one, row, found = _find(connection, attachment_id)
    is_own = check_reach(merchant_ids, found["merchant_id"]) if found else row["account_id"] == account_id
    if not is_own:
        raise missing()
    store.delete_attachment(connection, attachment_id)
    service.refresh(connection, row, now)
    return {"attachment_id": one["attachment_id"]}


def read(
    connection: Connection, account_id: str, merchant_ids: Iterable[str], attachment_id: str, vault: Vault,
    now: datetime,
) -> tuple[bytes, str]:  # fmt: skip
    """Return (bytes, media type) for those it is meant for; RefusedError (404) for others and once it is over.

    A picture is for the shopper and the merchants who were told; a clip for the shopper and its own merchant.
    """
    one, row, found = _find(connection, attachment_id)
    if found is not None:
        is_over = rules.quote_state(service.view_of(row, found, now), now) is not QuoteState.OPEN
        readers = [found["merchant_id"]]
    else:
        is_over = rules.state_at(row["state"], row["open_until"], now) is not QuoteRequestState.OPEN
        readers = store.matched_merchants(connection, row["quote_request_id"])
    is_reader = row["account_id"] == account_id or any(check_reach(merchant_ids, name) for name in readers)
    if is_over or not is_reader:
        raise missing()
    return vault.open(one["content_sealed"], _about(one["kind"], attachment_id)), one["media_type"]


def _find(connection: Connection, attachment_id: str) -> tuple[RowMapping, RowMapping, RowMapping | None]:
    one = store.find_attachment(connection, attachment_id)
    if one is None:
        raise missing()
    row = store.find_request(connection, one["quote_request_id"])
    found = store.find_quote(connection, one["quote_id"]) if one["quote_id"] else None
    assert row is not None
    return one, row, found
