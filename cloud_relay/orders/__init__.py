"""Orders: reservations, the order's state table, placing, disputes, timers."""
