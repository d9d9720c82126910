"""Which of the two languages an answer is in: `?lang=`, then the cookie, then Accept-Language."""

from starlette.requests import HTTPConnection

COOKIE = "vitrine_lang"
LANGUAGES = ("en", "zh")


def _preferred(header: str) -> str:
    best, best_weight = "en", 0.0
    for place, part in enumerate(header.split(",")[:10]):
        name, _, weight_text = part.strip().partition(";q=")
        try:
            weight = float(weight_text) if weight_text else 1.0
        except ValueError:
            continue
        language = name[:2].lower()
        if language in LANGUAGES and weight - place * 1e-6 > best_weight:
            best, best_weight = language, weight - place * 1e-6
    return best


def language_of(request: HTTPConnection) -> str:
    """Return "en" or "zh" for this request."""
    for wish in (request.query_params.get("lang", ""), request.cookies.get(COOKIE, "")):
        if wish[:2].lower() in LANGUAGES:
            return wish[:2].lower()
    return _preferred(request.headers.get("accept-language", ""))
