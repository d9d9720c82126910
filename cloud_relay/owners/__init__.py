"""Asking shoppers who bought a thing: a short list under nicknames for a day, and talks in which nobody is named."""
