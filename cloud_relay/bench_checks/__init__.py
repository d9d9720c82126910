"""Bench checks: the cards that shops send, and whether a shop is live because of them."""
