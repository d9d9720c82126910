"""Who keeps the bench: one at a time, and what an earlier life left first."""

import itertools

import pytest

from edge.bench.keeping import CHECK, TAGS, Keeping


async def yes():
    return True


async def no():
    return False


@pytest.mark.parametrize(("first", "second"), list(itertools.product((TAGS, CHECK), repeat=2)))
async def test_one_at_a_time(first, second):
    keeping = Keeping()
    async with keeping.keep(first, yes) as is_ours:
        assert is_ours
        async with keeping.keep(second, yes) as is_ours_too:
            assert not is_ours_too
        assert keeping.for_what == first
    assert keeping.for_what == ""


@pytest.mark.parametrize("owed", [{TAGS}, {CHECK}, {TAGS, CHECK}])
@pytest.mark.parametrize("one", [TAGS, CHECK])
async def test_what_an_earlier_life_left_is_cleared_before_anybody_else_comes(owed, one):
    keeping = Keeping()
    for for_what in owed:
        keeping.from_start(for_what)
    assert keeping.for_what in owed
    async with keeping.keep(one, yes) as is_ours:
        assert is_ours is (one in owed)
    assert bool(keeping.for_what) is (owed != {one})


async def test_both_are_cleared_whichever_goes_first():
    """The end of one opens no gap before the other."""
    for order in ((TAGS, CHECK), (CHECK, TAGS)):
        keeping = Keeping()
        keeping.from_start(CHECK)
        keeping.from_start(TAGS)
        for left, for_what in zip((order[1], ""), order, strict=True):
            async with keeping.keep(for_what, yes) as is_ours:
                assert is_ours
            assert keeping.for_what == left


async def test_a_parcel_that_is_there_is_said_and_no_other_comes_meanwhile():
    keeping = Keeping()
    async with keeping.keep(CHECK, no) as is_ours:
        assert not is_ours
        assert keeping.for_what == CHECK
    assert keeping.for_what == ""


async def test_a_body_that_fails_lets_go():
    keeping = Keeping()
    keeping.from_start(CHECK)
    with pytest.raises(OSError, match="paper"):
        async with keeping.keep(CHECK, yes):
            raise OSError("paper")
    assert keeping.for_what == ""
