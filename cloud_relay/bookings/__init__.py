"""Viewing times that shoppers book: slots from a shop's opening hours, a reminder, and the first place in the line."""
