"""What a table says to a step that may not be."""


class IllegalStepError(Exception):
    """This event cannot happen at this stage: recorded, never acted on."""
