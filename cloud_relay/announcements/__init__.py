"""What merchants tell shoppers for a time, and prices that change for a time."""
