"""What every room's HTTP side stands on: who asks, how errors read, doing things once, events to open pages."""
