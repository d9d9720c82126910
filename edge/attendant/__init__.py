"""The page of the person at the bench: on the shop box itself, with a PIN, whether or not the internet is there."""
