"""What lies where in the shop, and the machine that carries it to the bench."""
