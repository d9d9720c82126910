"""What stands together about one shopper, to what uses they said yes, and how they take it with them or away."""
