"""Group orders: several shoppers, one promotion of one shop, one deadline."""
