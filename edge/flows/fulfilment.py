"""The way of a parcel through the shop, as a table. Who may go where is decided here and nowhere else. Pure."""

from enum import StrEnum

from edge.flows.errors import IllegalStepError


class Stage(StrEnum):
    """Where a parcel is. `…_blocked`: nothing was actuated, a person must act. `…_in_doubt`: sense first."""

    NEW = "new"
    TAKEN_OVER = "taken_over"
    LABELLED_ASIDE = "labelled_aside"
    STILL = "still"
    RESERVED = "reserved"
    IN_LINE = "in_line"
    PICKING = "picking"
    STILL_AT_BENCH = "still_at_bench"
    STILL_BLOCKED = "still_blocked"
    PACKING = "packing"
    PACKING_BLOCKED = "packing_blocked"
    PACKING_IN_DOUBT = "packing_in_doubt"
    WAITING_FOR_LABEL = "waiting_for_label"
    SETTING_ASIDE = "setting_aside"
    ASIDE = "aside"
    BRINGING_BACK = "bringing_back"
    PRINTING = "printing"
    PRINTING_BLOCKED = "printing_blocked"
    PRINTING_IN_DOUBT = "printing_in_doubt"
    APPLYING = "applying"
    APPLYING_BLOCKED = "applying_blocked"
    APPLYING_IN_DOUBT = "applying_in_doubt"
    READING_BACK = "reading_back"
    READING_BLOCKED = "reading_blocked"
    LABEL_WRONG = "label_wrong"
    PHOTOGRAPHING = "photographing"
    PHOTO_BLOCKED = "photo_blocked"
    PHOTO_OFFERED = "photo_offered"
    READY = "ready"
    REWORK = "rework"
    VOIDING_LABEL = "voiding_label"
    HANDED_OVER = "handed_over"
    UNPACKING = "unpacking"
    PUTTING_BACK = "putting_back"
    RETURNED = "returned"
    CANCELLING_LABEL = "cancelling_label"
    CANCELLING_PARCEL = "cancelling_parcel"
    CANCELLING_PIECE = "cancelling_piece"
    CANCELLED = "cancelled"
    PIECE_GONE = "piece_gone"


class Event(StrEnum):
    """What happened. The first eight are the relay's commands; the rest come from devices, people and the journal."""

    PREPARE_SEEN = "prepare_seen"
    PREPARE_UNSEEN = "prepare_unseen"
    TAKE_OVER = "take_over"
    LABEL_ORDERED = "label_ordered"
    RELEASE = "release"
    CANCEL = "cancel"
    CONFIRMED = "confirmed"
    OBJECTED = "objected"
    STILL_TAKEN = "still_taken"
    STILL_FAILED = "still_failed"
    PACK_NOW = "pack_now"
    BENCH_FREE = "bench_free"
    MAKE_ROOM = "make_room"
    SET_ASIDE = "set_aside"
    STILL_HERE = "still_here"
    PICKED = "picked"
    GONE = "gone"
    PACKED = "packed"
    NOT_PACKED = "not_packed"
    PRINTED = "printed"
    NOT_PRINTED = "not_printed"
    FOUND_AT_PRINTER = "found_at_printer"
    APPLIED = "applied"
    LABEL_READ = "label_read"
    LABEL_UNREAD = "label_unread"
    LABEL_WRONG = "label_wrong"
    ON_PARCEL = "on_parcel"
    ON_PARCEL_SHOWN = "on_parcel_shown"
    PHOTOGRAPHED = "photographed"
    PHOTO_FAILED = "photo_failed"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"
    UNSENSED = "unsensed"
    RETRY = "retry"
    SPOILED = "spoiled"
    VOIDED = "voided"
    UNPACKED = "unpacked"
    PUT_BACK = "put_back"
    HAND_OVER = "hand_over"


class Effect(StrEnum):
    """What to do now: acts on devices, questions to the attendant, looks into the journal, reports to the relay."""

    TAKE_STILL = "take_still"
    TAKE_STILL_AT_BENCH = "take_still_at_bench"
    PACK = "pack"
    PRINT = "print"
    APPLY = "apply"
    READ_BACK = "read_back"
    PHOTOGRAPH = "photograph"
    SENSE_PACKER = "sense_packer"
    SENSE_PRINTER = "sense_printer"
    SENSE_PARCEL = "sense_parcel"
    ASK_TAKEN_OVER = "ask_taken_over"
    ASK_SHOW_LABEL = "ask_show_label"
    ASK_FETCH = "ask_fetch"
    ASK_PACK_DOUBT = "ask_pack_doubt"
    ASK_LABEL_DOUBT = "ask_label_doubt"
    ASK_READ = "ask_read"
    ASK_TEND = "ask_tend"
    ASK_SET_ASIDE = "ask_set_aside"
    ASK_BRING_BACK = "ask_bring_back"
    ASK_DESTROY = "ask_destroy"
    ASK_DESTROY_SCANNED = "ask_destroy_scanned"
    ASK_UNPACK = "ask_unpack"
    ASK_PUT_BACK = "ask_put_back"
    ASK_HAND_OVER = "ask_hand_over"
    SHOW_COURIER_LINK = "show_courier_link"
    CHECK_PACKING = "check_packing"
    LOOK_FOR_LABEL = "look_for_label"
    VOID_LABEL = "void_label"
    RETIRE_LABEL = "retire_label"
    REPORT_STILL = "report_still"
    REPORT_PICKED = "report_picked"
    REPORT_PACKED = "report_packed"
    REPORT_NEVER_LEFT = "report_never_left"
    REPORT_RETURNED = "report_returned"
    REPORT_GONE = "report_gone"
    REPORT_PRINTED = "report_printed"
    REPORT_APPLIED = "report_applied"
    REPORT_READ = "report_read"
    REPORT_PHOTO = "report_photo"
    REPORT_HELD = "report_held"
    REPORT_RESUMED = "report_resumed"
    REPORT_READY = "report_ready"
    REPORT_HANDED_OVER = "report_handed_over"
    REPORT_CANCELLED = "report_cancelled"


S, E, X = Stage, Event, Effect

ACTS = frozenset(
    {
        X.TAKE_STILL, X.TAKE_STILL_AT_BENCH, X.PACK, X.PRINT, X.APPLY, X.READ_BACK, X.PHOTOGRAPH, X.SENSE_PACKER,
        X.SENSE_PRINTER, X.SENSE_PARCEL,
    }
)  # fmt: skip
"""Effects that reach for a device: each is an intent in the journal before it starts and an outcome after it ended."""

ACTUATIONS = frozenset({X.PACK, X.PRINT, X.APPLY})
"""Acts that change the world and so are never redone blindly; the others only look, and may be repeated."""

WAITS_IN_LINE = frozenset({S.IN_LINE, S.REWORK, S.ASIDE, S.LABELLED_ASIDE})
"""Parcels that want the bench (an `aside` one only once its label is ordered)."""

ON_BENCH = frozenset(
    {
        S.PICKING, S.STILL_AT_BENCH, S.STILL_BLOCKED, S.PACKING, S.PACKING_BLOCKED, S.PACKING_IN_DOUBT,
        S.WAITING_FOR_LABEL, S.SETTING_ASIDE, S.BRINGING_BACK, S.PRINTING, S.PRINTING_BLOCKED, S.PRINTING_IN_DOUBT,
        S.APPLYING, S.APPLYING_BLOCKED, S.APPLYING_IN_DOUBT, S.READING_BACK, S.READING_BLOCKED, S.LABEL_WRONG,
        S.PHOTOGRAPHING, S.PHOTO_BLOCKED, S.VOIDING_LABEL,
    }
)  # fmt: skip
"""Stages in which the bench belongs to this parcel: never two parcels at once (P7)."""

CLEARING = frozenset(
    {S.TAKEN_OVER, S.UNPACKING, S.PUTTING_BACK, S.CANCELLING_LABEL, S.CANCELLING_PARCEL, S.CANCELLING_PIECE}
)
"""Stages in which a person takes a parcel apart, or looks for what a dead box left; the next parcel waits for that."""

FINAL = frozenset({S.HANDED_OVER, S.RETURNED, S.CANCELLED, S.PIECE_GONE})

HELD = {
    S.TAKEN_OVER: S.TAKEN_OVER,
    S.STILL_BLOCKED: S.STILL_AT_BENCH,
    S.PACKING_BLOCKED: S.PACKING,
    S.PACKING_IN_DOUBT: S.PACKING,
    S.PRINTING_BLOCKED: S.PRINTING,
    S.PRINTING_IN_DOUBT: S.PRINTING,
    S.APPLYING_BLOCKED: S.APPLYING,
    S.APPLYING_IN_DOUBT: S.APPLYING,
    S.READING_BLOCKED: S.READING_BACK,
    S.LABEL_WRONG: S.READING_BACK,
    S.PHOTO_BLOCKED: S.PHOTOGRAPHING,
}
"""Held stages and the stage they stand for; the relay is told the latter."""

Steps = dict[tuple[Stage, Event], tuple[Stage, tuple[Effect, ...]]]

_BEGIN: Steps = {
    (S.NEW, E.PREPARE_SEEN): (S.STILL, (X.TAKE_STILL,)),
    (S.NEW, E.PREPARE_UNSEEN): (S.RESERVED, (X.CHECK_PACKING,)),
    (S.NEW, E.LABEL_ORDERED): (S.IN_LINE, ()),
    (S.STILL, E.STILL_TAKEN): (S.RESERVED, (X.REPORT_STILL, X.CHECK_PACKING)),
    # the still is then taken at picking: a camera that fails must not lose the shopper their piece
    (S.STILL, E.STILL_FAILED): (S.RESERVED, (X.CHECK_PACKING,)),
    (S.STILL, E.LABEL_ORDERED): (S.STILL, ()),
    (S.RESERVED, E.PACK_NOW): (S.IN_LINE, ()),
    (S.RESERVED, E.LABEL_ORDERED): (S.IN_LINE, ()),
    (S.IN_LINE, E.LABEL_ORDERED): (S.IN_LINE, ()),
    (S.IN_LINE, E.BENCH_FREE): (S.PICKING, (X.ASK_FETCH,)),
}

_TAKE_OVER: Steps = {
    # a box in a dead one's place: what that one did last nobody knows, so a person looks before anything moves
    (S.NEW, E.TAKE_OVER): (S.TAKEN_OVER, (X.REPORT_HELD, X.ASK_TAKEN_OVER)),
    (S.TAKEN_OVER, E.NOT_PACKED): (S.IN_LINE, (X.VOID_LABEL, X.REPORT_RESUMED)),
    (S.TAKEN_OVER, E.VOIDED): (S.ASIDE, (X.VOID_LABEL, X.REPORT_RESUMED)),
    (S.TAKEN_OVER, E.ON_PARCEL): (S.LABELLED_ASIDE, (X.REPORT_RESUMED, X.REPORT_PRINTED, X.REPORT_APPLIED)),
    (S.TAKEN_OVER, E.ON_PARCEL_SHOWN): (S.PHOTO_OFFERED, (X.REPORT_RESUMED, X.LOOK_FOR_LABEL)),
    (S.TAKEN_OVER, E.GONE): (S.PIECE_GONE, (X.VOID_LABEL, X.REPORT_RESUMED, X.REPORT_GONE)),
    (S.TAKEN_OVER, E.LABEL_ORDERED): (S.TAKEN_OVER, ()),
    (S.TAKEN_OVER, E.CANCEL): (S.CANCELLING_LABEL, (X.ASK_DESTROY,)),
    (S.TAKEN_OVER, E.RELEASE): (S.UNPACKING, (X.ASK_UNPACK,)),
    (S.LABELLED_ASIDE, E.BENCH_FREE): (S.READING_BLOCKED, (X.REPORT_HELD, X.ASK_SHOW_LABEL)),
    (S.LABELLED_ASIDE, E.LABEL_ORDERED): (S.REWORK, ()),
    (S.LABELLED_ASIDE, E.CANCEL): (S.CANCELLING_LABEL, (X.ASK_DESTROY,)),
}

_PACK: Steps = {
    (S.PICKING, E.PICKED): (S.STILL_AT_BENCH, (X.REPORT_PICKED, X.TAKE_STILL_AT_BENCH)),
    (S.PICKING, E.LABEL_ORDERED): (S.PICKING, ()),
    (S.STILL_AT_BENCH, E.STILL_TAKEN): (S.PACKING, (X.REPORT_STILL, X.PACK)),
    (S.STILL_AT_BENCH, E.STILL_FAILED): (S.STILL_BLOCKED, (X.REPORT_HELD, X.ASK_TEND)),
    (S.STILL_AT_BENCH, E.LABEL_ORDERED): (S.STILL_AT_BENCH, ()),
    (S.STILL_BLOCKED, E.RETRY): (S.STILL_AT_BENCH, (X.REPORT_RESUMED, X.TAKE_STILL_AT_BENCH)),
    (S.STILL_BLOCKED, E.LABEL_ORDERED): (S.STILL_BLOCKED, ()),
    (S.PACKING, E.PACKED): (S.WAITING_FOR_LABEL, (X.REPORT_PACKED, X.LOOK_FOR_LABEL)),
    (S.PACKING, E.BLOCKED): (S.PACKING_BLOCKED, (X.REPORT_HELD, X.ASK_TEND)),
    (S.PACKING, E.UNKNOWN): (S.PACKING_IN_DOUBT, (X.REPORT_HELD, X.SENSE_PACKER)),
    (S.PACKING, E.LABEL_ORDERED): (S.PACKING, ()),
    (S.PACKING_BLOCKED, E.RETRY): (S.PACKING, (X.REPORT_RESUMED, X.PACK)),
    (S.PACKING_BLOCKED, E.LABEL_ORDERED): (S.PACKING_BLOCKED, ()),
    (S.PACKING_IN_DOUBT, E.PACKED): (
        S.WAITING_FOR_LABEL,
        (X.REPORT_RESUMED, X.REPORT_PACKED, X.LOOK_FOR_LABEL),
    ),
    (S.PACKING_IN_DOUBT, E.NOT_PACKED): (S.PACKING, (X.REPORT_RESUMED, X.PACK)),
    (S.PACKING_IN_DOUBT, E.UNSENSED): (S.PACKING_IN_DOUBT, (X.ASK_PACK_DOUBT,)),
    (S.PACKING_IN_DOUBT, E.LABEL_ORDERED): (S.PACKING_IN_DOUBT, ()),
}

_ASIDE: Steps = {
    (S.WAITING_FOR_LABEL, E.MAKE_ROOM): (S.SETTING_ASIDE, (X.ASK_SET_ASIDE,)),
    (S.SETTING_ASIDE, E.SET_ASIDE): (S.ASIDE, ()),
    (S.SETTING_ASIDE, E.STILL_HERE): (S.WAITING_FOR_LABEL, (X.LOOK_FOR_LABEL,)),
    (S.SETTING_ASIDE, E.LABEL_ORDERED): (S.SETTING_ASIDE, ()),
    (S.ASIDE, E.LABEL_ORDERED): (S.ASIDE, ()),
    (S.ASIDE, E.BENCH_FREE): (S.BRINGING_BACK, (X.ASK_BRING_BACK,)),
    (S.BRINGING_BACK, E.PICKED): (S.WAITING_FOR_LABEL, (X.LOOK_FOR_LABEL,)),
    (S.BRINGING_BACK, E.LABEL_ORDERED): (S.BRINGING_BACK, ()),
}

_AGAIN = (X.VOID_LABEL, X.REPORT_RESUMED, X.LOOK_FOR_LABEL)

_LABEL: Steps = {
    (S.WAITING_FOR_LABEL, E.LABEL_ORDERED): (S.PRINTING, (X.PRINT,)),
    (S.PRINTING, E.PRINTED): (S.APPLYING, (X.REPORT_PRINTED, X.APPLY)),
    (S.PRINTING, E.BLOCKED): (S.PRINTING_BLOCKED, (X.REPORT_HELD, X.ASK_TEND)),
    (S.PRINTING, E.UNKNOWN): (S.PRINTING_IN_DOUBT, (X.REPORT_HELD, X.SENSE_PRINTER)),
    # a newer label came before the act began: its intent is withdrawn, so nothing is on paper
    (S.PRINTING, E.LABEL_ORDERED): (S.WAITING_FOR_LABEL, (X.VOID_LABEL, X.LOOK_FOR_LABEL)),
    (S.PRINTING_BLOCKED, E.RETRY): (S.PRINTING, (X.REPORT_RESUMED, X.PRINT)),
    (S.PRINTING_BLOCKED, E.LABEL_ORDERED): (S.WAITING_FOR_LABEL, _AGAIN),
    (S.PRINTING_IN_DOUBT, E.UNSENSED): (S.PRINTING_IN_DOUBT, (X.ASK_LABEL_DOUBT,)),
    (S.PRINTING_IN_DOUBT, E.NOT_PRINTED): (S.WAITING_FOR_LABEL, _AGAIN),
    (S.PRINTING_IN_DOUBT, E.VOIDED): (S.WAITING_FOR_LABEL, _AGAIN),
    (S.PRINTING_IN_DOUBT, E.FOUND_AT_PRINTER): (S.APPLYING, (X.REPORT_RESUMED, X.REPORT_PRINTED, X.APPLY)),
    (S.PRINTING_IN_DOUBT, E.LABEL_ORDERED): (S.PRINTING_IN_DOUBT, ()),
    (S.APPLYING, E.APPLIED): (S.READING_BACK, (X.REPORT_APPLIED, X.READ_BACK)),
    (S.APPLYING, E.BLOCKED): (S.APPLYING_BLOCKED, (X.REPORT_HELD, X.ASK_TEND)),
    (S.APPLYING, E.UNKNOWN): (S.APPLYING_IN_DOUBT, (X.REPORT_HELD, X.SENSE_PARCEL)),
    (S.APPLYING, E.SPOILED): (S.VOIDING_LABEL, (X.ASK_DESTROY,)),
    (S.APPLYING, E.LABEL_ORDERED): (S.VOIDING_LABEL, (X.ASK_DESTROY,)),
    (S.APPLYING_BLOCKED, E.RETRY): (S.APPLYING, (X.REPORT_RESUMED, X.APPLY)),
    (S.APPLYING_BLOCKED, E.SPOILED): (S.VOIDING_LABEL, (X.REPORT_RESUMED, X.ASK_DESTROY)),
    (S.APPLYING_BLOCKED, E.LABEL_ORDERED): (S.VOIDING_LABEL, (X.REPORT_RESUMED, X.ASK_DESTROY)),
    (S.APPLYING_IN_DOUBT, E.UNSENSED): (S.APPLYING_IN_DOUBT, (X.ASK_LABEL_DOUBT,)),
    (S.APPLYING_IN_DOUBT, E.APPLIED): (S.READING_BACK, (X.REPORT_RESUMED, X.REPORT_APPLIED, X.READ_BACK)),
    (S.APPLYING_IN_DOUBT, E.FOUND_AT_PRINTER): (S.APPLYING, (X.REPORT_RESUMED, X.APPLY)),
    (S.APPLYING_IN_DOUBT, E.VOIDED): (S.WAITING_FOR_LABEL, _AGAIN),
    (S.APPLYING_IN_DOUBT, E.LABEL_ORDERED): (S.APPLYING_IN_DOUBT, ()),
}

_PROVE: Steps = {
    (S.READING_BACK, E.LABEL_READ): (S.PHOTOGRAPHING, (X.REPORT_READ, X.PHOTOGRAPH)),
    (S.READING_BACK, E.LABEL_UNREAD): (S.READING_BLOCKED, (X.REPORT_HELD, X.ASK_READ)),
    (S.READING_BACK, E.BLOCKED): (S.READING_BLOCKED, (X.REPORT_HELD, X.ASK_READ)),
    (S.READING_BACK, E.LABEL_WRONG): (S.LABEL_WRONG, (X.REPORT_HELD, X.ASK_DESTROY)),
    (S.READING_BACK, E.LABEL_ORDERED): (S.VOIDING_LABEL, (X.ASK_DESTROY,)),
    (S.READING_BLOCKED, E.LABEL_READ): (S.PHOTOGRAPHING, (X.REPORT_RESUMED, X.REPORT_READ, X.PHOTOGRAPH)),
    (S.READING_BLOCKED, E.LABEL_WRONG): (S.LABEL_WRONG, (X.ASK_DESTROY,)),
    (S.READING_BLOCKED, E.RETRY): (S.READING_BACK, (X.REPORT_RESUMED, X.READ_BACK)),
    (S.READING_BLOCKED, E.SPOILED): (S.VOIDING_LABEL, (X.REPORT_RESUMED, X.ASK_DESTROY)),
    (S.READING_BLOCKED, E.LABEL_ORDERED): (S.VOIDING_LABEL, (X.REPORT_RESUMED, X.ASK_DESTROY)),
    (S.LABEL_WRONG, E.VOIDED): (S.WAITING_FOR_LABEL, _AGAIN),
    (S.LABEL_WRONG, E.LABEL_ORDERED): (S.LABEL_WRONG, ()),
    # LOOK_FOR_LABEL: a newer label may have come while this one was in doubt; then the photo asks about nothing
    (S.PHOTOGRAPHING, E.PHOTOGRAPHED): (S.PHOTO_OFFERED, (X.REPORT_PHOTO, X.LOOK_FOR_LABEL)),
    (S.PHOTOGRAPHING, E.PHOTO_FAILED): (S.PHOTO_BLOCKED, (X.REPORT_HELD, X.ASK_TEND)),
    (S.PHOTOGRAPHING, E.LABEL_ORDERED): (S.VOIDING_LABEL, (X.ASK_DESTROY,)),
    (S.PHOTO_BLOCKED, E.RETRY): (S.PHOTOGRAPHING, (X.REPORT_RESUMED, X.PHOTOGRAPH)),
    (S.PHOTO_BLOCKED, E.SPOILED): (S.VOIDING_LABEL, (X.REPORT_RESUMED, X.ASK_DESTROY)),
    (S.PHOTO_BLOCKED, E.LABEL_ORDERED): (S.VOIDING_LABEL, (X.REPORT_RESUMED, X.ASK_DESTROY)),
    (S.PHOTO_OFFERED, E.CONFIRMED): (S.READY, (X.ASK_HAND_OVER, X.REPORT_READY)),
    (S.PHOTO_OFFERED, E.OBJECTED): (S.REWORK, (X.RETIRE_LABEL,)),
    (S.PHOTO_OFFERED, E.LABEL_ORDERED): (S.REWORK, ()),
    (S.READY, E.HAND_OVER): (S.HANDED_OVER, (X.SHOW_COURIER_LINK, X.REPORT_HANDED_OVER)),
    (S.READY, E.OBJECTED): (S.REWORK, (X.RETIRE_LABEL,)),
    (S.READY, E.LABEL_ORDERED): (S.REWORK, ()),
    (S.REWORK, E.BENCH_FREE): (S.VOIDING_LABEL, (X.ASK_DESTROY_SCANNED,)),
    (S.REWORK, E.LABEL_ORDERED): (S.REWORK, ()),
    (S.VOIDING_LABEL, E.VOIDED): (S.WAITING_FOR_LABEL, (X.VOID_LABEL, X.LOOK_FOR_LABEL)),
    (S.VOIDING_LABEL, E.LABEL_ORDERED): (S.VOIDING_LABEL, ()),
}

_GIVE_UP: Steps = {
    (S.PICKING, E.GONE): (S.PIECE_GONE, (X.REPORT_GONE,)),
    (S.UNPACKING, E.UNPACKED): (S.PUTTING_BACK, (X.ASK_PUT_BACK,)),
    (S.PUTTING_BACK, E.PUT_BACK): (S.RETURNED, (X.REPORT_RETURNED,)),
    (S.PUTTING_BACK, E.GONE): (S.PIECE_GONE, (X.REPORT_GONE,)),
    (S.CANCELLING_LABEL, E.VOIDED): (S.CANCELLING_PARCEL, (X.VOID_LABEL, X.ASK_UNPACK)),
    (S.CANCELLING_PARCEL, E.UNPACKED): (S.CANCELLING_PIECE, (X.ASK_PUT_BACK,)),
    (S.CANCELLING_PIECE, E.PUT_BACK): (S.CANCELLED, (X.REPORT_RETURNED, X.REPORT_CANCELLED)),
    (S.CANCELLING_PIECE, E.GONE): (S.CANCELLED, (X.REPORT_GONE, X.REPORT_CANCELLED)),
}

_NEVER_LEFT = (S.STILL, S.RESERVED, S.IN_LINE)
_UNPACKED = (S.PICKING, S.STILL_AT_BENCH, S.STILL_BLOCKED)
_PACKED = (
    S.PACKING, S.PACKING_BLOCKED, S.PACKING_IN_DOUBT, S.WAITING_FOR_LABEL, S.SETTING_ASIDE, S.ASIDE, S.BRINGING_BACK,
)  # fmt: skip
_LABELLED = (
    S.PRINTING_IN_DOUBT, S.APPLYING, S.APPLYING_BLOCKED, S.APPLYING_IN_DOUBT, S.READING_BACK, S.READING_BLOCKED,
    S.LABEL_WRONG, S.PHOTOGRAPHING, S.PHOTO_BLOCKED, S.PHOTO_OFFERED, S.READY, S.REWORK, S.VOIDING_LABEL,
)  # fmt: skip
_NO_LABEL_YET = (S.PRINTING, S.PRINTING_BLOCKED)
"""The bench applies events only between acts: a parcel here has no byte at the printer."""

_CANCEL: Steps = {
    (S.NEW, E.CANCEL): (S.CANCELLED, (X.REPORT_CANCELLED,)),
    **{(stage, E.CANCEL): (S.CANCELLED, (X.REPORT_NEVER_LEFT, X.REPORT_CANCELLED)) for stage in _NEVER_LEFT},
    **{(stage, E.CANCEL): (S.CANCELLING_PIECE, (X.ASK_PUT_BACK,)) for stage in (*_UNPACKED, S.PUTTING_BACK)},
    **{(stage, E.CANCEL): (S.CANCELLING_PARCEL, (X.ASK_UNPACK,)) for stage in (*_PACKED, S.UNPACKING)},
    **{(stage, E.CANCEL): (S.CANCELLING_PARCEL, (X.VOID_LABEL, X.ASK_UNPACK)) for stage in _NO_LABEL_YET},
    **{(stage, E.CANCEL): (S.CANCELLING_LABEL, (X.ASK_DESTROY,)) for stage in _LABELLED},
    **{(stage, E.CANCEL): (S.CANCELLED, (X.REPORT_CANCELLED,)) for stage in (S.RETURNED, S.PIECE_GONE)},
    **{
        (stage, E.CANCEL): (stage, ())
        for stage in (S.CANCELLED, S.CANCELLING_LABEL, S.CANCELLING_PARCEL, S.CANCELLING_PIECE)
    },
}

_RELEASE: Steps = {
    (S.NEW, E.RELEASE): (S.RETURNED, (X.REPORT_NEVER_LEFT,)),
    **{(stage, E.RELEASE): (S.RETURNED, (X.REPORT_NEVER_LEFT,)) for stage in _NEVER_LEFT},
    **{(stage, E.RELEASE): (S.PUTTING_BACK, (X.ASK_PUT_BACK,)) for stage in _UNPACKED},
    **{(stage, E.RELEASE): (S.UNPACKING, (X.ASK_UNPACK,)) for stage in _PACKED},
    **{(stage, E.RELEASE): (stage, ()) for stage in (S.UNPACKING, S.PUTTING_BACK, S.RETURNED, S.PIECE_GONE)},
    **{
        (stage, E.RELEASE): (stage, ())
        for stage in (S.CANCELLED, S.CANCELLING_LABEL, S.CANCELLING_PARCEL, S.CANCELLING_PIECE)
    },
}

STEPS: Steps = {**_BEGIN, **_TAKE_OVER, **_PACK, **_ASIDE, **_LABEL, **_PROVE, **_GIVE_UP, **_CANCEL, **_RELEASE}
"""Every legal step; a pair that does not stand here is illegal, and the tests say so of each."""


def step(stage: Stage, event: Event) -> tuple[Stage, tuple[Effect, ...]]:
    """Return the next stage and what to do now; raise IllegalStepError for a step that may not be."""
    found = STEPS.get((stage, event))
    if found is None:
        raise IllegalStepError(f"parcel: {event.value} cannot happen while {stage.value}")
    return found


def diagram() -> str:
    """Return the table as a Mermaid state diagram; steps that stay where they are and do nothing are left out."""
    lines = ["stateDiagram-v2", "    [*] --> new"]
    arrows: dict[tuple[Stage, Stage], list[str]] = {}
    for (stage, event), (following, effects) in STEPS.items():
        if stage is not following or effects:
            arrows.setdefault((stage, following), []).append(event.value)
    lines += [f"    {start} --> {end}: {', '.join(events)}" for (start, end), events in arrows.items()]
    lines += [f"    {stage} --> [*]" for stage in Stage if stage in FINAL]
    return "\n".join(lines) + "\n"
