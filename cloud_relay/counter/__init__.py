"""What shops sell at their counters, and what is published there: taken from their reports, once."""
