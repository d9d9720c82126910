"""The shopper's signature on receiving the goods, drawn or typed: part of the order's record."""
