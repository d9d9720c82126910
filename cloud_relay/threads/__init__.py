"""A message thread for each order, between its shopper and its merchant."""
