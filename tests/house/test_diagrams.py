"""Diagrams in the documents are those of the tables."""

from edge.flows import fulfilment
from tests.house.sources import ROOT


def test_the_way_of_a_parcel_is_drawn_from_its_table():
    document = (ROOT / "docs" / "fulfilment.md").read_text(encoding="utf-8")
    assert fulfilment.diagram().strip() in document, "write docs/fulfilment.md anew from fulfilment.diagram()"
