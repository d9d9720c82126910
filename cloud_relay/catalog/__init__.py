"""Shops, listings, pieces with their camera spots, stock, pictures, search, and the plan that a shop works by."""
