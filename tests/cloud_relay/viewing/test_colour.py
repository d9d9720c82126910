"""True colour: the fit against known lights, the published test data of CIEDE2000, and who may show a card."""

import math
import random

import pytest

from cloud_relay.refusals import RefusedError
from cloud_relay.viewing.colour import CARD, ciede2000, fit_card, solve, to_lab, to_linear, to_srgb

WARM = (((0.8, 0.1, 0.02), 0.01), ((0.05, 0.6, 0.05), 0.01), ((0.02, 0.08, 0.4), 0.005))
"""A camera under a warm lamp: what it makes of linear red, green and blue, and its veil of stray light."""


def seen_under(light, patches=CARD):
    return [
        to_srgb(tuple(sum(part * one for part, one in zip(row, to_linear(patch), strict=True)) + veil
                      for row, veil in light))
        for patch in patches
    ]  # fmt: skip


SHARMA = [
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425), ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0),
    ((50, 0, 0), (50, -1, 2), 2.3669), ((50, 2.49, -0.001), (50, -2.49, 0.0010), 7.1792),
    ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195), ((50, -0.001, 2.49), (50, 0.0011, -2.49), 4.7461),
    ((50, 2.5, 0), (50, 0, -2.5), 4.3065), ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ((50, 2.5, 0), (61, -5, 29), 22.8977), ((50, 2.5, 0), (56, -27, -3), 31.9030),
    ((50, 2.5, 0), (50, 3.1736, 0.5854), 1.0), ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((35.0831, -44.1164, 3.7933), (35.0232, -40.0716, 1.5901), 1.8645),
    ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]  # fmt: skip
"""From table 1 of Sharma, Wu and Dalal (2005): the pairs at which implementations go wrong."""


@pytest.mark.parametrize(("one", "other", "difference"), SHARMA)
def test_colour_difference_is_the_published_one_both_ways(one, other, difference):
    assert ciede2000(one, other) == pytest.approx(difference, abs=1e-4)
    assert ciede2000(other, one) == pytest.approx(difference, abs=1e-4)


def test_srgb_and_lab_know_white_black_and_the_way_back():
    assert to_lab((255, 255, 255)) == pytest.approx((100, 0, 0), abs=0.02)
    assert to_lab((0, 0, 0)) == pytest.approx((0, 0, 0), abs=1e-9)
    for value in range(0, 256, 5):
        assert to_srgb(to_linear((value, value, value)))[0] == pytest.approx(value, abs=1e-6)


def test_a_known_light_is_undone_exactly_and_noise_leaves_an_error_that_is_told():
    seen = seen_under(WARM)
    found = fit_card(seen)
    assert found.error_before > 8
    assert found.error_max < 0.01
    for patch, true in zip(seen, CARD, strict=True):
        assert found.apply(patch) == pytest.approx(true, abs=0.01)
    chance = random.Random(7)
    noisy = fit_card([tuple(value + chance.gauss(0, 2) for value in patch) for patch in seen])
    assert 0.3 < noisy.error_mean < 4 < noisy.error_before
    assert noisy.error_max >= noisy.error_mean


def test_no_other_matrix_is_nearer_in_linear_light():
    """Least squares: every small change of a coefficient makes the sum of squares larger."""
    chance = random.Random(3)
    seen = [tuple(value + chance.gauss(0, 3) for value in patch) for patch in seen_under(WARM)]
    found = fit_card(seen)

    lights = [(*to_linear(patch), 1.0) for patch in seen]

    def misses(rows):
        return sum(
            (sum(part * one for part, one in zip(row, light, strict=True)) - to_linear(true)[at]) ** 2
            for light, true in zip(lights, CARD, strict=True) for at, row in enumerate(rows)
        )  # fmt: skip

    best = misses(found.rows)
    for row in range(3):
        for place in range(4):
            for step in (1e-3, -1e-3):
                changed = [list(one) for one in found.rows]
                changed[row][place] += step
                assert misses(changed) > best


def test_a_card_on_its_head_is_read_from_its_other_end():
    assert fit_card(list(reversed(seen_under(WARM)))).error_mean < 0.01


@pytest.mark.parametrize(
    ("patches", "why"),
    [
        ([(100.0, 100.0, 100.0)] * 24, "no_card"),
        ([(chance.uniform(2, 250),) * 3 for chance in [random.Random(1)] for _ in range(24)], "no_card"),
        ([(255.0, 255.0, 255.0)] * 24, "card_clipped"),
        ([(0.0, 10.0, 20.0)] * 24, "card_clipped"),
        ([*seen_under(WARM)[12:], *seen_under(WARM)[:12]], "no_card"),
    ],
)
def test_what_is_no_card_is_refused_in_words(patches, why):
    with pytest.raises(RefusedError) as refused:
        fit_card(patches)
    assert (refused.value.type, refused.value.status) == (why, 422)
    assert refused.value.text_zh


def test_equations_are_solved_with_pivots_and_without_an_answer_refused():
    assert solve([[0, 1], [2, 0]], [3, 4]) == [2, 3]
    with pytest.raises(ValueError, match="single answer"):
        solve([[1, 1], [2, 2]], [1, 2])


async def test_a_card_is_kept_for_the_spot_and_shown_with_its_error(site):
    _, shop_id, owner = await site.merchant("mo", cameras=[{"camera": "front"}])
    _, (stays, other) = await site.listing(shop_id, owner, pieces=2)
    stranger, body = site.account("ann"), {"patches": seen_under(WARM)}
    await site.call("PUT", f"/api/pieces/{stays}/colour", body, stranger, 404)
    await site.call("PUT", f"/api/pieces/{stays}/colour", body, status=401)
    for wrong in (body["patches"][:23], [[*patch, 3] for patch in body["patches"]], [[300, 0, 0]] * 24):
        await site.call("PUT", f"/api/pieces/{stays}/colour", {"patches": wrong}, owner, 422)
    kept = await site.call("PUT", f"/api/pieces/{stays}/colour", body, owner)
    assert kept["error_mean"] < 0.5 < kept["error_before"]
    assert len(kept["rows"]) == 3 and all(math.isfinite(value) for row in kept["rows"] for value in row)
    page = (await site.call("GET", f"/look/{stays}", status=None)).text
    assert 'data-part="colour"' in page
    assert 'data-part="colour"' not in (await site.call("GET", f"/look/{other}", status=None)).text
    await site.call("DELETE", f"/api/pieces/{stays}/colour", headers=owner, status=204)
    assert 'data-part="colour"' not in (await site.call("GET", f"/look/{stays}", status=None)).text


async def test_one_card_does_for_everything_that_is_brought_to_a_turntable(site):
    _, shop_id, owner = await site.merchant("mo", cameras=[{"camera": "table"}])
    _, (first, second) = await site.listing(shop_id, owner, pieces=2)
    for piece in (first, second):
        spot = {"camera": "table", "kind": "turntable"}
        await site.call("PATCH", f"/api/pieces/{piece}", {"spot": spot}, owner)
    await site.call("PUT", f"/api/pieces/{first}/colour", {"patches": seen_under(WARM)}, owner)
    assert 'data-part="colour"' in (await site.call("GET", f"/look/{second}", status=None)).text
