"""How a room says no: the shopper or merchant reads why. Pure, so that rules may use it."""

from typing import Any


class RefusedError(Exception):
    """A rule of a room said no. Rooms raise it without knowing HTTP.

    `status` is 409 when the state of things forbids it and 422 when what was asked is wrong in itself; `type_` is a
    short name such as `out_of_stock`; `extra` are further members of the problem document.
    """

    def __init__(self, type_: str, text_en: str, text_zh: str, status: int = 409, **extra: Any) -> None:
        super().__init__(f"{type_}: {text_en}")
        self.type, self.text_en, self.text_zh, self.status, self.extra = type_, text_en, text_zh, status, extra
