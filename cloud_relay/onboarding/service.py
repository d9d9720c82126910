"""Applying under one's real name: details, documents, sending, withdrawing. One use case, one transaction."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from cloud_relay.accounts.roles import check_reach
from cloud_relay.accounts.rules import MerchantState
from cloud_relay.accounts.service import missing
from cloud_relay.notices import service as notices
from cloud_relay.onboarding import rules, store
from cloud_relay.onboarding.identity_numbers import ending
from cloud_relay.onboarding.rules import ApplicationState, By
from cloud_relay.onboarding.vault import Vault
from cloud_relay.refusals import RefusedError
from cloud_relay.web.pages import page_event
from wire.values import format_time, new_id

QUEUE_PAGE = "/operator/applications"
OWN_PAGE = "/merchant/real-name"


def number_taken() -> RefusedError:
    """Return the refusal for a number under which another merchant trades or waits."""
    return RefusedError(
        "number_taken",
        "Another merchant is registered under this number; ask its owner to invite you, or ask the operator",
        "该号码已登记在另一商户名下，请联系其店主邀请您，或联系运营",
    )


def save_details(
    connection: Connection, merchant_ids: frozenset[str], account_id: str, merchant_id: str,
    values: Mapping[str, Any], vault: Vault, now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Begin or change a merchant's draft; what is typed is sealed at once and shown shortened from then on."""
    own = _own_merchant(connection, merchant_id, merchant_ids)
    rules.check_apply(own["state"], own["state_until"], now)
    details = rules.clean_details(values, now.date())
    mark = vault.mark(f"{details.kind}:{details.country}:{details.number}")
    if store.number_held(connection, mark, merchant_id):
        raise number_taken()
    before = store.open_application(connection, merchant_id)
    if before is not None and before["state"] != ApplicationState.DRAFT:
        raise _sent()
    application_id = before["application_id"] if before is not None else new_id("app")
    row = {
        "kind": details.kind, "country": details.country, "number_mark": mark, "number_end": ending(details.number),
        "details_sealed": _seal_details(vault, application_id, details), "drop_at": now + rules.DRAFT_LIFE,
    }  # fmt: skip
    if before is None:
        fixed = {"application_id": application_id, "merchant_id": merchant_id, "created_at": now}
        store.insert_application(connection, {**row, **fixed, "account_id": account_id})
    else:
        store.update_application(connection, application_id, row, [ApplicationState.DRAFT])
    return {"application_id": application_id, "state": ApplicationState.DRAFT, "number_end": row["number_end"]}


def _seal_details(vault: Vault, application_id: str, details: rules.Details) -> bytes:
    text = json.dumps(asdict(details), ensure_ascii=False)
    return vault.seal(text.encode(), f"details of {application_id}")


def open_details(vault: Vault, row: RowMapping) -> dict[str, Any]:
    """Return the details of an application as they were typed."""
    opened: dict[str, Any] = json.loads(vault.open(row["details_sealed"], f"details of {row['application_id']}"))
    return opened


def add_document(
    connection: Connection, merchant_ids: frozenset[str], application_id: str, kind: str, content: bytes,
    vault: Vault, now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Seal a cleaned photograph of a document into a draft; the same one again is kept once."""
    may_add(connection, merchant_ids, application_id, kind)
    sha256 = hashlib.sha256(content).hexdigest()
    for one in store.documents_of(connection, application_id):
        if (one["kind"], one["document_sha256"]) == (kind, sha256):
            return {"application_id": application_id, "document_id": one["document_id"], "kind": kind}
    document_id = new_id("doc")
    values = {
        "document_id": document_id, "application_id": application_id, "kind": kind, "size_bytes": len(content),
        "content_sealed": vault.seal(content, f"{kind} {document_id} of {application_id}"),
        "document_sha256": sha256, "added_at": now,
    }  # fmt: skip
    store.insert_document(connection, values)
    return {"application_id": application_id, "document_id": document_id, "kind": kind}


def may_add(connection: Connection, merchant_ids: frozenset[str], application_id: str, kind: str) -> None:
    """Raise RefusedError unless one may add a document of this kind to this draft."""
    _own_draft(connection, merchant_ids, application_id)
    if kind not in rules.DOCUMENT_KINDS:
        raise RefusedError("unknown_document", "Say which document it is", "请选择材料类型", 422)
    if len(store.documents_of(connection, application_id)) >= rules.DOCUMENTS_MAX:
        raise RefusedError(
            "too_many_documents", f"At most {rules.DOCUMENTS_MAX} pictures: remove one first",
            f"最多 {rules.DOCUMENTS_MAX} 张，请先删除一张",
        )  # fmt: skip


def remove_document(
    connection: Connection, merchant_ids: frozenset[str], application_id: str, document_id: str
) -> dict[str, Any]:
    """Delete a document from a draft."""
    _own_draft(connection, merchant_ids, application_id)
    if not store.delete_document(connection, application_id, document_id):
        raise missing()
    return {"application_id": application_id, "document_id": document_id}


def submit(connection: Connection, merchant_ids: frozenset[str], application_id: str, now: datetime) -> dict[str, Any]:
    """Send a complete draft to the operators; RefusedError names what is still missing."""
    row = _own_draft(connection, merchant_ids, application_id)
    own = _own_merchant(connection, row["merchant_id"], merchant_ids)
    rules.check_apply(own["state"], own["state_until"], now)
    kinds = [one["kind"] for one in store.documents_of(connection, application_id)]
    lacking = rules.missing_documents(row["kind"], kinds)
    if lacking:
        en, zh = (", ".join(rules.DOCUMENT_KINDS[one][place] for one in lacking) for place in (0, 1))
        raise RefusedError("documents_missing", f"Still missing: {en}", f"还缺：{zh}", 422, missing=lacking)
    if store.number_held(connection, row["number_mark"], row["merchant_id"]):
        raise number_taken()
    values = {"state": ApplicationState.SUBMITTED, "submitted_at": now, "drop_at": None}
    store.update_application(connection, application_id, values, [ApplicationState.DRAFT])
    if own["state"] == MerchantState.REFUSED:
        rules.check_step(own["state"], MerchantState.PENDING, By.MERCHANT)
        pending = {"state": MerchantState.PENDING, "reason": "", "state_until": None}
        store.update_merchant(connection, own["merchant_id"], own["state"], pending)
    names = {"title_en": own["name_en"], "title_zh": own["name_zh"]}
    link = f"{QUEUE_PAGE}/{application_id}"
    notices.notify(connection, notices.operators(connection), "merchant_applied", link, now, **names)
    page_event(connection, "operator", "merchant_applied", {"merchant_id": own["merchant_id"]}, now)
    return {"application_id": application_id, "state": ApplicationState.SUBMITTED}


def withdraw(
    connection: Connection, merchant_ids: frozenset[str], application_id: str, now: datetime
) -> dict[str, Any]:
    """Take an application back; what was sent with it is deleted at once."""
    row = _own_application(connection, merchant_ids, application_id)
    forget(connection, application_id)
    values = {"state": ApplicationState.WITHDRAWN, "details_sealed": None, "number_mark": None, "drop_at": None}
    if not store.update_application(connection, application_id, values, rules.OPEN):
        raise RefusedError("application_over", "This application was decided already", "该申请已有审核结果")
    page_event(connection, "operator", "merchant_applied", {"merchant_id": row["merchant_id"]}, now)
    return {"application_id": application_id, "state": ApplicationState.WITHDRAWN}


def forget(connection: Connection, application_id: str) -> None:
    """Delete the documents of an application."""
    store.delete_documents(connection, application_id)


def read_own(connection: Connection, merchant_id: str, vault: Vault, now: datetime) -> dict[str, Any]:
    """Return what a merchant's owner sees: state and until when, the open application, the verdicts on it."""
    own = store.find_merchant(connection, merchant_id)
    if own is None:
        raise missing()
    row = store.open_application(connection, merchant_id)
    last = store.last_decided(connection, merchant_id)
    known = {} if last is None else open_details(vault, last)
    return {
        "merchant_id": merchant_id, "state": own["state"], "reason": own["reason"], "until": _time(own["state_until"]),
        "may_apply": own["state"] != MerchantState.REFUSED or own["state_until"] is None or now >= own["state_until"],
        "application": None if row is None else shown(connection, row, vault),
        "known": {**known, "number": ""} if known else None, "real_name": known.get("real_name", ""),
        "number_end": "" if last is None else last["number_end"],
        "verdicts": [shown_verdict(one, names_operator=False) for one in store.verdicts_of(connection, merchant_id)],
    }  # fmt: skip


def shown(connection: Connection, row: RowMapping, vault: Vault, *, is_whole: bool = False) -> dict[str, Any]:
    """Return an application for a page; the number stands whole in it only where `is_whole`."""
    documents = [
        {
            **{name: one[name] for name in ("document_id", "kind", "size_bytes")},
            "added_at": format_time(one["added_at"]),
        }
        for one in store.documents_of(connection, row["application_id"])
    ]  # fmt: skip
    details = open_details(vault, row) if row["details_sealed"] else {}
    if details and not is_whole:
        details = {**details, "number": row["number_end"]}
    return {
        "application_id": row["application_id"], "merchant_id": row["merchant_id"], "state": row["state"],
        "details": details, "documents": documents, "submitted_at": _time(row["submitted_at"]),
        "drop_at": _time(row["drop_at"]),
        "missing": rules.missing_documents(row["kind"], [one["kind"] for one in documents]),
    }  # fmt: skip


def shown_verdict(row: RowMapping, *, names_operator: bool) -> dict[str, Any]:
    """Return a verdict for a page; merchants do not read which operator gave it."""
    return {
        "state": row["state"], "reason": row["reason"], "at": format_time(row["decided_at"]),
        "until": _time(row["until"]), "evidence": row["evidence"],
        "by": (row["nickname"] or "") if names_operator else "", "is_by_clock": row["decided_by"] is None,
    }  # fmt: skip


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else format_time(moment)


def _sent() -> RefusedError:
    return RefusedError(
        "application_sent", "It is with the operator; withdraw it to change it", "申请已提交，如需修改请先撤回"
    )


def _own_merchant(connection: Connection, merchant_id: str, merchant_ids: frozenset[str]) -> RowMapping:
    row = store.find_merchant(connection, merchant_id)
    if row is None or not check_reach(merchant_ids, merchant_id):
        raise missing()
    return row


def _own_application(connection: Connection, merchant_ids: frozenset[str], application_id: str) -> RowMapping:
    row = store.find_application(connection, application_id)
    if row is None or not check_reach(merchant_ids, row["merchant_id"]):
        raise missing()
    return row


def _own_draft(connection: Connection, merchant_ids: frozenset[str], application_id: str) -> RowMapping:
    row = _own_application(connection, merchant_ids, application_id)
    if row["state"] != ApplicationState.DRAFT:
        raise _sent()
    return row
