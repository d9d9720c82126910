"""The room of locations: what lies where, as shops report it."""
