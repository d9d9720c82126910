"""Whether pages are light or dark: `?theme=`, then the cookie, else as the reader's system is."""

from starlette.requests import HTTPConnection

THEME_COOKIE = "vitrine_theme"
THEMES = ("auto", "light", "dark")


def theme_of(request: HTTPConnection) -> str:
    """Return "auto", "light" or "dark" for this request."""
    for wish in (request.query_params.get("theme", ""), request.cookies.get(THEME_COOKIE, "")):
        if wish in THEMES:
            return wish
    return "auto"
