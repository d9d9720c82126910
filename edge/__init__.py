"""The shop daemon: owns the shop's devices, keeps its journal, answers the relay, serves the person at the bench."""
