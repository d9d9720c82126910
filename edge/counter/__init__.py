"""The counter: goods are scanned, paid and told; it works with the internet down, and no crash charges twice."""
