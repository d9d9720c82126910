"""Returns: asked for while the payment is held, answered by the merchant, refunded when the parcel is scanned in."""
