"""From application to verdict over HTTP: documents sealed, seen, deleted; duplicates; expiry and reminders."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from cloud_relay import tables
from cloud_relay.accounts.rules import MerchantState
from cloud_relay.onboarding import rules, timers, verdicts
from cloud_relay.onboarding.identity_numbers import credit_check
from cloud_relay.onboarding.rules import STEPS, By
from cloud_relay.onboarding.vault import SealBrokenError, Vault, vault_in
from cloud_relay.refusals import RefusedError
from cloud_relay.settings import AccountSettings
from tests.cloud_relay.onboarding.applying import APPLICATION, Applicant, png
from tests.cloud_relay.site import jpeg, open_site
from wire.values import parse_time


@pytest.fixture
async def strict(database_url, tmp_path):
    """A market that verifies by documents alone, as it is unless the operator says otherwise."""
    folder = tmp_path / "strict"
    folder.mkdir()
    async with open_site(folder, database_url, accounts=AccountSettings(sign_in_days=3650)) as found:
        yield found


def rows(site, table):
    return site.db.read_now(lambda c: [dict(row) for row in c.execute(select(table)).mappings()])


def pass_days(site, days):
    site.clock.forward(days * 86400)
    return site.db.run_now(timers.do_due, site.clock.now())


async def test_a_merchant_is_verified_by_documents_that_were_seen(strict):
    ann = await Applicant.come(strict)
    await ann.decide("verified", 409)
    await ann.fill()
    shown = await ann.own()
    assert shown["application"]["details"]["number"] == "…0Y43"
    refused = await ann.submit(422)
    assert refused["missing"] == ["licence", "identity_front"]
    await ann.show("licence", png())
    await ann.show("identity_front")
    await ann.submit()
    (waiting,) = (await strict.call("GET", "/api/operator/applications", headers=ann.operator))["applications"]
    assert waiting["application_id"] == ann.application_id
    assert (await ann.decide("verified", 409))["type"].endswith("look_first")

    whole = await ann.look()
    assert whole["details"]["number"] == APPLICATION["number"]
    decided = await ann.decide("verified")
    assert decided["state"] == "verified"
    assert rows(strict, tables.application_document) == []
    (verdict,) = rows(strict, tables.verdict)
    assert {one["kind"] for one in verdict["evidence"]} == {"licence", "identity_front"}
    assert all(one["seen_at"] for one in verdict["evidence"])
    own = await ann.own()
    assert (own["real_name"], own["number_end"]) == (APPLICATION["real_name"], "…0Y43")
    assert parse_time(own["until"]) == strict.clock.now() + rules.VERIFIED_LIFE
    await strict.call(
        "GET", f"/api/operator/documents/{whole['documents'][0]['document_id']}", headers=ann.operator, status=404
    )


async def test_a_document_is_sealed_cleaned_and_read_by_operators_alone(strict):
    ann = await Applicant.come(strict)
    await ann.fill()
    added = await ann.show("licence", png("secret place"))
    await ann.show("identity_front")
    path = f"/api/operator/documents/{added['document_id']}"
    await strict.call("GET", path, headers=ann.operator, status=404)  # a draft is nobody's business yet
    await ann.submit()
    for headers in (None, ann.owner, strict.account("bob")):
        answer = await strict.call("GET", path, headers=headers, status=None)
        assert answer.status_code in (401, 404)
    answer = await strict.call("GET", path, headers=ann.operator)
    assert answer.headers["cache-control"] == "no-store, private"
    assert answer.content.startswith(b"\xff\xd8\xff") and b"secret place" not in answer.content
    stored = [one["content_sealed"] for one in rows(strict, tables.application_document)]
    assert not any(b"\xff\xd8\xff\xe0" in one for one in stored)
    (application,) = rows(strict, tables.application)
    assert APPLICATION["number"].encode() not in application["details_sealed"]
    assert APPLICATION["number"] not in repr(application)
    (reading,) = rows(strict, tables.document_reading)
    assert reading["document_id"] == added["document_id"]
    key = strict.relay.settings.data_dir / "pki" / "documents.secret"
    assert key.stat().st_mode & 0o777 == 0o600


REFUSED_FILES = {
    "pdf": (b"%PDF-1.7 x", "no_pdf"),
    "gif": (b"GIF89a" + bytes(40), "bad_document"),
    "empty": (b"", "bad_document"),
    "pdf in jpeg": (jpeg(20, 20) + b"%PDF-1.4 hidden", "two_files_in_one"),
    "zip in jpeg": (jpeg(20, 20) + b"PK\x05\x06" + bytes(18), "two_files_in_one"),
    "script in jpeg": (jpeg(20, 20) + b"<SCRIPT>alert(1)</SCRIPT>", "two_files_in_one"),
    "bomb": (jpeg(9000, 3000), "bad_picture"),
    "broken": (b"\xff\xd8\xff" + bytes(200), "bad_picture"),
}


async def test_what_is_no_plain_photograph_is_refused(strict):
    ann = await Applicant.come(strict)
    await ann.fill()
    for name, (content, says) in REFUSED_FILES.items():
        answer = await ann.show("licence", content, 422)
        assert answer["type"].endswith(says), name
    assert rows(strict, tables.application_document) == []
    first, again = await ann.show("licence"), await ann.show("licence")
    assert first["document_id"] == again["document_id"]  # sent again because the answer was lost


async def test_a_number_belongs_to_one_merchant(strict):
    ann, bob = await Applicant.come(strict), await Applicant.come(strict, "bob")
    await bob.fill()
    await ann.send()
    assert (await bob.fill(409))["type"].endswith("number_taken")
    await ann.look()
    await ann.decide("refused", reason="the licence is not readable")
    await bob.fill()  # who was refused holds nothing
    assert (await ann.fill(409))["type"].endswith("apply_later")
    strict.clock.forward(7 * 86400)
    await ann.fill()
    await ann.show("licence")
    await ann.show("identity_front")
    await ann.submit()
    assert (await ann.own())["state"] == "pending"


async def test_a_renewal_that_ends_in_suspension_keeps_nobodys_number(strict):
    ann, bob = await Applicant.come(strict), await Applicant.come(strict, "bob")
    await ann.send()
    await ann.look()
    await ann.decide("verified")
    strict.clock.forward(86400)
    anothers = "91350100M00010101" + credit_check("91350100M00010101")
    await ann.send(number=anothers, real_name="不是自己的公司")
    await ann.decide("suspended", reason="these are another company's papers")
    own = await ann.own()
    assert (own["state"], own["real_name"], own["number_end"]) == ("suspended", APPLICATION["real_name"], "…0Y43")
    renewal = next(one for one in rows(strict, tables.application) if one["application_id"] == ann.application_id)
    assert (renewal["details_sealed"], renewal["number_mark"]) == (None, None)
    await bob.fill(409)
    await bob.send(number=anothers)
    await bob.look()
    assert (await bob.decide("verified"))["state"] == "verified"


async def test_who_is_refused_hears_why_and_an_own_merchant_is_for_others(strict):
    ann = await Applicant.come(strict)
    await ann.send()
    assert (await ann.decide("refused", 422))["type"].endswith("reason_missing")
    await ann.decide("refused", reason="not readable")
    own = await ann.own()
    assert (own["state"], own["reason"], own["may_apply"]) == ("refused", "not readable", False)
    assert rows(strict, tables.application)[0]["details_sealed"] is None
    olga = strict.account("olga2", is_operator=True)
    made = await strict.call("POST", "/api/merchants", {"name_en": "mine", "contact": "x"}, olga, 201)
    path = f"/api/operator/merchants/{made['merchant_id']}/decide"
    answer = await strict.call("POST", path, {"state": "refused", "reason": "x"}, olga, 409)
    assert answer["type"].endswith("own_merchant")


async def test_a_draft_can_be_mended_withdrawn_and_is_dropped(strict):
    ann = await Applicant.come(strict)
    await ann.fill()
    added = await ann.show("licence")
    path = f"/api/applications/{ann.application_id}"
    await strict.call("DELETE", f"{path}/documents/{added['document_id']}", headers=ann.owner)
    await ann.show("other")
    strict.clock.forward(14 * 86400 - 1)
    assert strict.db.run_now(verdicts.drop_drafts, strict.clock.now()) == 0
    strict.clock.forward(1)
    assert strict.db.run_now(verdicts.drop_drafts, strict.clock.now()) == 1
    assert rows(strict, tables.application_document) == []
    await strict.call("POST", f"{path}/submit", {}, ann.owner, 409)
    await ann.fill(kind="person", number="11010519491231002X", real_name="王小明")
    await ann.show("identity_front")
    await strict.call("POST", f"/api/applications/{ann.application_id}/withdraw", {}, ann.owner)
    assert {one["state"] for one in rows(strict, tables.application)} == {"dropped", "withdrawn"}
    assert all(one["details_sealed"] is None for one in rows(strict, tables.application))


async def test_a_verdict_ends_to_the_moment_after_two_reminders_and_is_renewed(strict):
    ann = await Applicant.come(strict)
    await ann.send()
    await ann.look()
    await ann.decide("verified")

    def told():
        return [one["kind"] for one in rows(strict, tables.notice) if one["kind"] == "verdict_ends"]

    pass_days(strict, 2 * 365 - 31)
    assert told() == []
    pass_days(strict, 1)
    pass_days(strict, 1)
    assert len(told()) == 1
    pass_days(strict, 22)
    assert len(told()) == 2
    strict.clock.forward(7 * 86400 - 1)
    assert strict.db.run_now(verdicts.end_states, strict.clock.now()) == 0
    strict.clock.forward(1)
    assert strict.db.run_now(verdicts.end_states, strict.clock.now()) == 1
    assert (await ann.own())["state"] == "suspended"
    assert (await ann.decide("verified", 409))["type"].endswith("documents_missing")
    await ann.send()
    await ann.look()
    strict.clock.forward(1)
    assert (await ann.decide("verified"))["state"] == "verified"
    assert [one["state"] for one in (await ann.own())["verdicts"]] == ["verified", "suspended", "verified"]


async def test_a_suspension_ends_at_its_time_and_no_earlier(strict):
    ann = await Applicant.come(strict)
    await ann.send()
    await ann.look()
    await ann.decide("verified")
    until = strict.clock.now() + timedelta(days=3)
    await ann.decide("suspended", reason="complaints", until=until.isoformat())
    strict.clock.forward(3 * 86400 - 1)
    assert strict.db.run_now(verdicts.end_states, strict.clock.now()) == 0
    strict.clock.forward(1)
    assert strict.db.run_now(verdicts.end_states, strict.clock.now()) == 1
    assert (await ann.own())["state"] == "verified"
    await ann.decide("suspended", 422, reason="x", until=strict.clock.now().isoformat())
    await ann.decide("suspended", reason="for good")
    await ann.decide("verified")  # the earlier look at documents still holds


async def test_what_an_operator_shortened_stays_short(strict):
    ann = await Applicant.come(strict)
    await ann.send()
    await ann.look()
    await ann.decide("verified")
    strict.clock.forward(60)
    await ann.decide("suspended", reason="complaints")
    strict.clock.forward(60)
    short = strict.clock.now() + timedelta(days=30)
    await ann.decide("verified", until=short.isoformat())
    strict.clock.forward(60)
    await ann.decide("suspended", reason="again", until=(strict.clock.now() + timedelta(days=3)).isoformat())
    pass_days(strict, 3)
    own = await ann.own()
    assert (own["state"], parse_time(own["until"])) == ("verified", short)
    pass_days(strict, 30)
    assert (await ann.own())["state"] == "suspended"
    assert (await ann.decide("verified", 409))["type"].endswith("documents_missing")


STATES = (MerchantState.PENDING, MerchantState.VERIFIED, MerchantState.REFUSED, MerchantState.SUSPENDED)


@pytest.mark.parametrize("by", By)
@pytest.mark.parametrize("before", STATES)
@pytest.mark.parametrize("after", STATES)
def test_every_step_is_decided(by, before, after):
    if after in STEPS[by].get(before, ()):
        rules.check_step(before, after, by)
    else:
        with pytest.raises(RefusedError):
            rules.check_step(before, after, by)


def test_the_clock_verifies_nobody_for_the_first_time_and_merchants_only_ask():
    assert all(MerchantState.PENDING not in steps for steps in (STEPS[By.CLOCK], STEPS[By.MERCHANT]))
    assert {after for steps in STEPS[By.MERCHANT].values() for after in steps} == {MerchantState.PENDING}


def test_a_seal_opens_with_its_key_and_purpose_alone(tmp_path):
    vault = vault_in(tmp_path)
    sealed = vault.seal(b"passport", "front of app_1")
    assert vault.open(sealed, "front of app_1") == b"passport"
    assert vault.seal(b"passport", "front of app_1") != sealed
    for key, content, about in (
        (vault, sealed, "front of app_2"), (vault, sealed[:-1] + bytes([sealed[-1] ^ 1]), "front of app_1"),
        (Vault(b"x" * 32), sealed, "front of app_1"),
    ):  # fmt: skip
        with pytest.raises(SealBrokenError):
            key.open(content, about)
    assert vault.mark("a") == vault.mark("a") != vault.mark("b") and Vault(b"x" * 32).mark("a") != vault.mark("a")
