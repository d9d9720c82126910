"""Notices: both languages, own only, read once."""

import string

from cloud_relay.notices import service, texts


def test_every_notice_speaks_both_languages_about_the_same_things():
    for kind, (english, chinese) in texts.TEXTS.items():
        fields = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in (english, chinese)]
        assert {name.removesuffix("_zh") for name in fields[1]} == fields[0], kind
        assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese.replace("{step_zh}", "到达")), kind


def test_names_that_people_gave_are_no_templates():
    english, _ = texts.sentences("dispute_opened", {"title_en": "{reason} {title}", "reason": "{0.__class__}"})
    assert english == "A dispute was opened about {reason} {title}: {0.__class__}"


def test_one_language_stands_in_for_the_other():
    english, chinese = texts.sentences("delivered", {"title_zh": "茶壶"})
    assert "茶壶" in english and "茶壶" in chinese


def test_notices_are_ones_own_and_read_once(world):
    run, read = world.database.run_now, world.database.read_now
    run(service.notify, ["ann", "bob", "ann"], "delivered", "/orders/o", world.now, title_en="Teapot")
    mine = read(service.notices_of, "ann")
    assert mine["unread"] == 1 and len(mine["notices"]) == 1
    theirs = read(service.notices_of, "bob")["notices"][0]["notice_id"]
    run(service.mark_read, "ann", [mine["notices"][0]["notice_id"], theirs], world.now)
    assert read(service.notices_of, "ann")["unread"] == 0
    assert read(service.notices_of, "bob")["unread"] == 1
    assert read(service.notices_of, "ann", world.now)["notices"] == []
