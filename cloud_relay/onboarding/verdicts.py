"""The operator's side: reading documents, giving verdicts; and what the clock does when a verdict ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from cloud_relay.accounts import service as accounts
from cloud_relay.accounts import store as account_store
from cloud_relay.accounts.rules import MerchantState
from cloud_relay.accounts.service import missing
from cloud_relay.notices import service as notices
from cloud_relay.onboarding import rules, service, store
from cloud_relay.onboarding.rules import ApplicationState, By
from cloud_relay.onboarding.vault import Vault
from cloud_relay.refusals import RefusedError
from cloud_relay.web.pages import page_event
from wire.values import clean_text, format_time, new_id

EXPIRED = "The last check of the documents is too old; please apply again. / 证件审核已到期，请重新申请。"
IS_OVER = "The suspension is over. / 暂停期已结束。"
TOLD = {
    MerchantState.VERIFIED: "merchant_verified", MerchantState.REFUSED: "merchant_refused",
    MerchantState.SUSPENDED: "merchant_suspended",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """An operator's word: the state, why, and until when it holds (None: as long as the rules allow)."""

    state: str
    reason: str = ""
    until: datetime | None = None


def queue(connection: Connection) -> list[dict[str, Any]]:
    """Return the applications that wait, the oldest first."""
    return [
        {
            "application_id": row["application_id"], "merchant_id": row["merchant_id"], "kind": row["kind"],
            "country": row["country"], "number_end": row["number_end"], "merchant_state": row["merchant_state"],
            "name": {"en": row["name_en"], "zh": row["name_zh"]}, "submitted_at": format_time(row["submitted_at"]),
        }
        for row in store.submitted(connection)
    ]  # fmt: skip


def read_whole(connection: Connection, application_id: str, vault: Vault) -> dict[str, Any]:
    """Return an application as operators see it, with who looked at its documents and earlier verdicts."""
    row = store.find_application(connection, application_id)
    own = None if row is None else store.find_merchant(connection, row["merchant_id"])
    if row is None or own is None or row["state"] not in (ApplicationState.SUBMITTED, ApplicationState.DECIDED):
        raise missing()
    readings = [
        {"document_id": one["document_id"], "by": one["nickname"], "account_id": one["account_id"],
         "at": format_time(one["at"])}
        for one in store.readings_of(connection, application_id)
    ]  # fmt: skip
    verdicts = store.verdicts_of(connection, row["merchant_id"])
    return {
        **service.shown(connection, row, vault, is_whole=True), "readings": readings,
        "name": {"en": own["name_en"], "zh": own["name_zh"]}, "contact": own["contact"],
        "merchant_state": own["state"], "decisions": sorted(rules.STEPS[By.OPERATOR].get(own["state"], ())),
        "verdicts": [service.shown_verdict(one, names_operator=True) for one in verdicts],
    }  # fmt: skip


def read_document(connection: Connection, operator_id: str, document_id: str, vault: Vault, now: datetime) -> bytes:
    """Return a document of a submitted application, and write down that this operator looked at it."""
    row = store.find_document(connection, document_id)
    if row is None:
        raise missing()
    found = store.find_application(connection, row["application_id"])
    if found is None or found["state"] != ApplicationState.SUBMITTED:
        raise missing()
    reading = {"document_id": document_id, "application_id": row["application_id"], "account_id": operator_id}
    store.note_reading(connection, {**reading, "at": now})
    page_event(connection, "operator", "document_read", {"application_id": row["application_id"]}, now)
    return vault.open(row["content_sealed"], f"{row['kind']} {document_id} of {row['application_id']}")


def decide(
    connection: Connection, operator_id: str, merchant_id: str, decision: Decision, now: datetime,
    *, documents_required: bool,
) -> dict[str, Any]:  # fmt: skip
    """Verify, refuse or suspend a merchant; RefusedError without evidence, reason, or by one of its own members.

    What was sent is deleted with the verdict; which evidence was seen, by whom and until when it holds stays.
    """
    own = store.find_merchant(connection, merchant_id)
    if own is None:
        raise missing()
    rules.check_step(own["state"], decision.state, By.OPERATOR)
    if store.is_member(connection, merchant_id, operator_id):
        raise RefusedError(
            "own_merchant",
            "This merchant is your own: another operator decides",
            "这是您自己的商户，请由其他运营人员审核",
        )
    reason = clean_text(decision.reason, "reason", 500, lines=6) if decision.reason.strip() else ""
    if decision.state in rules.NEEDS_REASON and not reason:
        raise RefusedError("reason_missing", "Say why: the merchant reads it", "请填写理由（商家可见）", 422)
    waiting = _submitted(connection, merchant_id)
    if decision.state == own["state"] and waiting is None:
        raise RefusedError("nothing_new", "No application of this merchant waits", "该商户没有待审核的申请")
    until = rules.until_of(decision.state, decision.until, now)
    evidence = _seen(connection, operator_id, waiting) if waiting is not None else []
    if decision.state == MerchantState.VERIFIED:
        until = _check_evidence(connection, own, waiting, evidence, until, now, documents_required=documents_required)
    if waiting is not None:
        _close(connection, waiting["application_id"], decision.state, now)
    application_id = None if waiting is None else waiting["application_id"]
    changed = {"state": decision.state, "reason": reason, "until": until, "decided_by": operator_id}
    _set(connection, own, {**changed, "application_id": application_id, "evidence": evidence}, now)
    return accounts.shown_merchant(account_store.find_merchant(connection, merchant_id))


def _submitted(connection: Connection, merchant_id: str) -> RowMapping | None:
    row = store.open_application(connection, merchant_id)
    return row if row is not None and row["state"] == ApplicationState.SUBMITTED else None


def _seen(connection: Connection, operator_id: str, waiting: RowMapping) -> list[dict[str, Any]]:
    """Return each document with when this operator looked at it last; None: not at all."""
    readings = store.readings_of(connection, waiting["application_id"])
    seen = {one["document_id"]: one["at"] for one in readings if one["account_id"] == operator_id}
    return [
        {"kind": one["kind"], "sha256": one["document_sha256"],
         "seen_at": format_time(seen[one["document_id"]]) if one["document_id"] in seen else None}
        for one in store.documents_of(connection, waiting["application_id"])
    ]  # fmt: skip


def _check_evidence(
    connection: Connection, own: RowMapping, waiting: RowMapping | None, evidence: Sequence[dict[str, Any]],
    until: datetime | None, now: datetime, *, documents_required: bool,
) -> datetime | None:  # fmt: skip
    """Return until when a merchant may be verified: by documents just seen, or by an earlier verdict that holds."""
    if waiting is not None:
        if any(one["seen_at"] is None for one in evidence):
            raise RefusedError(
                "look_first", "Look at every document first: the verdict says that you saw it",
                "请先查看每份材料：审核结果会记录您已查看",
            )  # fmt: skip
        if store.number_held(connection, waiting["number_mark"], own["merchant_id"]):
            raise service.number_taken()
        return until
    held = _held_until(connection, own["merchant_id"], now)
    if held is not None:
        return min(held, until or held)
    if documents_required:
        raise RefusedError(
            "documents_missing", "There is no application with documents to look at; ask the merchant to send one",
            "没有可查看的申请材料，请商户先提交",
        )  # fmt: skip
    return until


def _held_until(connection: Connection, merchant_id: str, now: datetime) -> datetime | None:
    """Return until when the newest verdict that verified the merchant holds; None when it does not any more.

    An older one may reach further: whoever shortened it meant it.
    """
    ends = (
        one["until"] for one in store.verdicts_of(connection, merchant_id) if one["state"] == MerchantState.VERIFIED
    )
    until: datetime | None = next(ends, None)
    return until if until is not None and until > now else None


def _close(connection: Connection, application_id: str, decision: str, now: datetime) -> None:
    """Delete the documents. The sealed name and number stay of who was verified by them: of nobody else is it known
    that they are his own, and they would keep them from the person whose they are.
    """
    service.forget(connection, application_id)
    values: dict[str, Any] = {"state": ApplicationState.DECIDED, "decided_at": now}
    if decision != MerchantState.VERIFIED:
        values |= {"details_sealed": None, "number_mark": None}
    store.update_application(connection, application_id, values, [ApplicationState.SUBMITTED])


def _set(connection: Connection, own: RowMapping, given: dict[str, Any], now: datetime) -> bool:
    """Write a verdict and the merchant's new state, and tell everybody whom it concerns; False when it moved on."""
    merchant_id, state = own["merchant_id"], given["state"]
    values = {
        "state": state, "reason": given["reason"], "state_until": given["until"], "decided_at": now,
        "decided_by": given["decided_by"],
    }  # fmt: skip
    if not store.update_merchant(connection, merchant_id, own["state"], values):
        return False
    store.insert_verdict(connection, {**given, "verdict_id": new_id("ver"), "merchant_id": merchant_id,
                                      "decided_at": now})  # fmt: skip
    change = {"merchant_id": merchant_id, "state": state, "reason": given["reason"]}
    members = account_store.members_of(connection, merchant_id)
    for channel in (f"merchant:{merchant_id}", "operator", *(f"account:{one}" for one in members)):
        page_event(connection, channel, "merchant_decided", change, now)
    names = {"title_en": own["name_en"], "title_zh": own["name_zh"], "reason": given["reason"]}
    notices.notify(connection, members, TOLD[state], service.OWN_PAGE, now, **names)
    return True


def end_states(connection: Connection, now: datetime) -> int:
    """Suspend whose verdict has ended and bring back whose suspension has; return how many."""
    done = 0
    for own in store.states_over(connection, now, rules.STEPS[By.CLOCK]):
        given: dict[str, Any] = {"application_id": None, "evidence": [], "decided_by": None}
        if own["state"] == MerchantState.VERIFIED:
            given |= {"state": MerchantState.SUSPENDED, "reason": EXPIRED, "until": None}
        else:
            given |= _after_suspension(connection, own["merchant_id"], now)
        if given["state"] != own["state"]:
            rules.check_step(own["state"], given["state"], By.CLOCK)
        done += _set(connection, own, given, now)
    return done


def _after_suspension(connection: Connection, merchant_id: str, now: datetime) -> dict[str, Any]:
    held = _held_until(connection, merchant_id, now)
    if held is not None:
        return {"state": MerchantState.VERIFIED, "reason": IS_OVER, "until": held}
    return {"state": MerchantState.SUSPENDED, "reason": EXPIRED, "until": None}


def remind(connection: Connection, now: datetime) -> int:
    """Tell merchants whose verdict ends soon, once for each step of REMIND_BEFORE; return how many were told."""
    told = 0
    for row in store.ending(connection, now + max(rules.REMIND_BEFORE)):
        due = rules.reminders_due(row["state_until"], now)
        if due <= row["reminders"] or not store.count_reminder(connection, row["verdict_id"], row["reminders"], due):
            continue
        words = {"title_en": row["name_en"], "title_zh": row["name_zh"], "when": f"{row['state_until']:%Y-%m-%d}"}
        members = account_store.members_of(connection, row["merchant_id"])
        notices.notify(connection, members, "verdict_ends", service.OWN_PAGE, now, **words)
        told += 1
    return told


def drop_drafts(connection: Connection, now: datetime) -> int:
    """Delete what was uploaded for applications that nobody sent; return how many applications."""
    ids = store.drafts_over(connection, now)
    for application_id in ids:
        service.forget(connection, application_id)
        values = {"state": ApplicationState.DROPPED, "details_sealed": None, "number_mark": None, "drop_at": None}
        store.update_application(connection, application_id, values, [ApplicationState.DRAFT])
    return len(ids)
