"""Measurements against raw baselines, interleaved in one run; tables and plots stand beside the code."""
