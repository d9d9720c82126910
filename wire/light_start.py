"""Loading a long-running program's modules: quicker, and without what it never uses. It stands here because both sides
need it and neither may import the other.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

UNUSED = ("httpx._main", "mako.ext.pygmentplugin", "dns.resolver", "pydantic.v1")
"""What its users leave out by themselves where it cannot be imported.

httpx's own command line and the colours of Mako's error pages (Alembic's templates) bring rich and pygments, 100
modules and 6 MB; paho looks brokers up in DNS with 56 modules, and ours stands in the settings; FastAPI asks at each
first body whether it is a model of pydantic 1, of which there are none here.
"""


@contextmanager
def light_start() -> Iterator[None]:
    """While entered, import the program: no search for garbage (a tenth of the time: there is none), unused parts out.

    What was loaded is then left out of every later search.
    """
    gc.disable()
    for name in UNUSED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # None: "cannot be imported", see importlib
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
