"""The public application for these tests."""

from tests.cloud_relay.site import site

__all__ = ["site"]
