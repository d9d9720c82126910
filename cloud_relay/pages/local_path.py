"""Where a page may send its reader next: only within this very site. Pure."""

from urllib.parse import quote, urlsplit

HOME = "/"


def local_path(wish: str) -> str:
    """Return `wish` if it is a path on this site (RFC 3986 path-absolute, no authority), else the home page.

    Browsers read a backslash as a slash and skip control characters, so neither may stand in it.
    """
    is_path = wish.startswith("/") and not wish.startswith("//")
    if (
        not is_path
        or "\\" in wish
        or len(wish) > 1000
        or any(ord(letter) < 33 or ord(letter) == 127 for letter in wish)
    ):
        return HOME
    parts = urlsplit(wish)
    return wish if not parts.scheme and not parts.netloc else HOME


def sign_in_path(path: str, query: str = "") -> str:
    """Return the address of the sign-in page that comes back to this page afterwards."""
    wish = local_path(f"{path}?{query}" if query else path)
    return "/sign-in" if wish == HOME else f"/sign-in?next={quote(wish, safe='')}"
