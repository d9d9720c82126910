"""The room of pick-up points: where shoppers collect themselves, their codes, reminders, and what nobody collects."""
