"""Guided setup: from a bare box to a live shop, one question at a time, to be continued after any interruption."""
