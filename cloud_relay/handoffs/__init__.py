"""From a television to a phone and back: a link shown as a QR code, good for one act and a few minutes."""
