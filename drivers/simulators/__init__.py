"""Simulators: one process owns one shop's physical world and speaks the makers' bytes. Imports no driver."""
