"""The trade's use cases, each a function of one transaction; other rooms call these."""

from cloud_relay.orders.effects import Happening
from cloud_relay.orders.placing import OrderWish, Placed, pay_again, place_order
from cloud_relay.orders.reservations import Reservation, confirm_piece, extend_reservation, give_up_reservation
from cloud_relay.orders.steps import apply, settle_due
from cloud_relay.orders.trade import Trade, trade_of

__all__ = [
    "Happening",
    "OrderWish",
    "Placed",
    "Reservation",
    "Trade",
    "apply",
    "confirm_piece",
    "extend_reservation",
    "give_up_reservation",
    "pay_again",
    "place_order",
    "settle_due",
    "trade_of",
]
