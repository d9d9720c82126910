"""`python -m cloud_relay`."""

from wire.light_start import light_start

with light_start():
    from cloud_relay.cli import main

if __name__ == "__main__":
    main()
