"""Shoppers who are in a shop now: what each is about to buy, and with whom there they would reach a promotion."""
