"""What crosses between a shop and the relay: values, envelope, commands, reports, topics, tickets. Knows neither
side.
"""
