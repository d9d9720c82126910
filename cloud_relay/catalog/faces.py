"""What people call the faces of a piece, in both languages."""

from collections.abc import Mapping

FACE_NAMES: tuple[tuple[str, str, str], ...] = (
    ("front", "Front", "正面"),
    ("back", "Back", "背面"),
    ("left", "Left", "左侧"),
    ("right", "Right", "右侧"),
    ("top", "Top", "顶部"),
    ("bottom", "Base", "底部"),
    ("label", "Mark", "款识"),
    ("flaw", "Flaw", "瑕疵"),
)
"""The faces that the viewing page has words for."""

_TITLES = {name: {"en": en, "zh": zh} for name, en, zh in FACE_NAMES}


def face_title(name: str, own: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return a face's title in both languages: the merchant's own, else ours, else its name."""
    if own and (own.get("en") or own.get("zh")):
        return {"en": own.get("en") or own.get("zh") or "", "zh": own.get("zh") or own.get("en") or ""}
    return _TITLES.get(name, {"en": name, "zh": name})
