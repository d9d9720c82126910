"""The whole mall on one machine: starts the real programs as processes and imports none of them."""
