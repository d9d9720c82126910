"""Baskets: goods of several shops, paid at once, each order with its own hold."""
