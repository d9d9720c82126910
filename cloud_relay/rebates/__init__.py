"""The rebate queue: money back from a share of settled commissions, first in first out, off by default."""
