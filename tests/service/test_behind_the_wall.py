"""Viewing and order behind the shipped firewall, and through a change of uplink: real programs, real media."""

import pytest

from tests.service.namespaces import NEEDS_NAMESPACES, facts_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), *NEEDS_NAMESPACES]


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    return facts_of("behind_the_wall", tmp_path_factory.mktemp("shop"), 580)


def test_live_pictures_flow_through_the_firewall_and_the_camera_is_steered(facts):
    assert facts["first_frame_ms"] > 0
    assert facts["frames_before"] > 0
    assert facts["motion_before_ms"] > 0


def test_the_order_behind_it_comes_to_its_end_through_a_change_of_uplink(facts):
    """Books, journal and the simulators' truth were judged by the program itself, or it would have failed."""
    assert facts["order_ended"] == "released"
    assert facts["restarts"] == 0


def test_the_viewing_comes_back_on_the_other_uplink(facts):
    assert facts["frames_after"] > 0
    assert facts["motion_after_ms"] > 0
    assert facts["picture_again_s"] < 60


def test_the_uplink_was_really_changed(facts):
    assert facts["uplink_before"] == [facts["wire"]]
    assert facts["uplink_after"] == [facts["radio"]]
