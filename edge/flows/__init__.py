"""Pure tables of the shop: fulfilment and the camera turn. No I/O, no clock, no asyncio, no logging."""
