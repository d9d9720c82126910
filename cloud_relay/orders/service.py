"""The trade's use cases, each a function of one transaction; other rooms call these."""

from cloud_relay.orders.choosing import Choice, choose, confirm_seen
from cloud_relay.orders.effects import Happening
from cloud_relay.orders.placing import OrderWish, Placed, pay_again, place_order, place_orders
from cloud_relay.orders.reservations import Reservation, confirm_piece, extend_reservation, give_up_reservation
from cloud_relay.orders.steps import apply, settle_due
from cloud_relay.orders.trade import Trade, trade_of

__all__ = [
    "Choice",
    "Happening",
    "OrderWish",
    "Placed",
    "Reservation",
    "Trade",
    "apply",
    "choose",
    "confirm_piece",
    "confirm_seen",
    "extend_reservation",
    "give_up_reservation",
    "pay_again",
    "place_order",
    "place_orders",
    "settle_due",
    "trade_of",
]
