"""Devices: one folder per kind, one file per model. Knows nothing of orders, MQTT or the wire."""
