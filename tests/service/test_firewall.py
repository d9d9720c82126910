"""The shipped firewall: what it lets through and what not, in network namespaces made for it."""

import pytest

from tests.service.namespaces import NEEDS_NAMESPACES, facts_of
from tests.service.strangers import QUESTIONS

pytestmark = [pytest.mark.slow, *NEEDS_NAMESPACES]


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    return facts_of("strangers", tmp_path_factory.mktemp("wall"), 110)


def test_without_the_firewall_everything_gets_through(facts):
    assert facts["before"] == dict.fromkeys(QUESTIONS, True)


@pytest.mark.parametrize("name", [name for name, question in QUESTIONS.items() if question[-1]])
def test_the_box_reaches(facts, name):
    assert facts["behind"][name]


@pytest.mark.parametrize("name", [name for name, question in QUESTIONS.items() if not question[-1]])
def test_nobody_reaches(facts, name):
    assert not facts["behind"][name]


def test_what_was_turned_away_is_counted(facts):
    refused = [question[0] for question in QUESTIONS.values() if not question[-1]]
    assert facts["in"] >= refused.count("outside")
    assert facts["out"] >= refused.count("shop")
