"""Receipts of paid orders, as PDF in both languages."""
