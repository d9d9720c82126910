"""Money by bank transfer: references, statements, what fits what, payment files, and our book of the account."""
