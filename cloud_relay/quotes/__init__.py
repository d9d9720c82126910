"""Quote requests: a shopper says what they want, merchants answer with binding prices, one of them becomes an order."""
