"""The link to the shops over MQTT: commands out in order and signed, reports in once and in order."""

from cloud_relay.shop_link.link import ShopLink
from cloud_relay.shop_link.mqtt import LinkDownError
from cloud_relay.shop_link.register import Register

__all__ = ["LinkDownError", "Register", "ShopLink"]
