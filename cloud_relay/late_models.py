"""Pydantic's models that are worked out when they are first asked for: a process needs a few of two hundred."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import BaseModel
from pydantic.warnings import UnsupportedFieldAttributeWarning


@contextmanager
def late_models() -> Iterator[None]:
    """While entered, let each model that is declared (ours, and FastAPI's of the OpenAPI page) wait for its first use.

    It then takes what its declaration took otherwise, a millisecond; a wrong one is found as late. Tests load our
    modules without this, so that there it is found at once.

    FastAPI hands pydantic the name of each route's body and hushes what pydantic says of that, while it makes the
    model: here that is later, at the first use, so it is hushed from now on.
    """
    warnings.simplefilter("ignore", UnsupportedFieldAttributeWarning)
    BaseModel.model_config["defer_build"] = True
    try:
        yield
    finally:
        del BaseModel.model_config["defer_build"]
