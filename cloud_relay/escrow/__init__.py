"""Escrow: the double-entry ledger, held money, payment providers, reconciliation."""
