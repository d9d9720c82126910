"""What browsers and shops are told of STUN and TURN; TURN's words live for minutes and are good for one session."""

import base64
import hashlib
import hmac
from datetime import datetime
from typing import Any

from cloud_relay.settings import BadSettingsError, Settings

SECRET_NAME = "VITRINE_TURN_SECRET"  # noqa: S105  # the name of the variable, not what it holds

LIFE_S_MAX = 3600
"""A word is asked for again with each stream, so an hour is long. coturn lets an allocation that began live on."""

LIFE_S_MIN = 60

_SCHEMES = ("turn:", "turns:", "stun:")


def turn_word(secret: str, name: str) -> str:
    """Return the password of a TURN name: base64 of HMAC-SHA1 (draft-uberti-behave-turn-rest-00, section 2.2)."""
    return base64.b64encode(hmac.digest(secret.encode(), name.encode(), "sha1")).decode()


def turn_name(session_id: str, now: datetime, life_s: int) -> str:
    """Return a TURN name: the second it ends, a colon, and whose it is.

    coturn counts its quota by what follows the colon. It writes names into its log, and who knows a visitor's session
    id has that session: so the id goes as its hash.
    """
    return f"{int(now.timestamp()) + life_s}:{hashlib.sha256(session_id.encode()).hexdigest()[:24]}"


class IceServers:
    """The list for one session: fixed servers of the settings, and our own TURN server with a fresh name and word."""

    def __init__(self, settings: Settings) -> None:
        """Raise BadSettingsError for addresses that no browser would take, or without the secret they need."""
        given = settings.viewing
        self._fixed = given.ice_servers
        self._urls = given.turn_urls
        self._life_s = given.turn_life_s
        self._secret = settings.secrets.get(SECRET_NAME, "")
        wrong = [url for url in self._urls if not (isinstance(url, str) and url.startswith(_SCHEMES))]
        if wrong:
            raise BadSettingsError(f"[viewing] turn_urls: {wrong[0]!r} must begin with one of {', '.join(_SCHEMES)}")
        if self._urls and not self._secret:
            raise BadSettingsError(
                f"[viewing] turn_urls: needs {SECRET_NAME}, the static-auth-secret of turnserver.conf"
            )
        if not LIFE_S_MIN <= self._life_s <= LIFE_S_MAX:
            raise BadSettingsError(f"[viewing] turn_life_s: must be {LIFE_S_MIN} to {LIFE_S_MAX} seconds")

    def for_session(self, session_id: str, now: datetime) -> tuple[dict[str, Any], ...]:
        """Return RTCIceServer objects; our TURN server's name and word end `turn_life_s` after `now`."""
        if not self._urls:
            return self._fixed
        name = turn_name(session_id, now, self._life_s)
        own = {"urls": list(self._urls), "username": name, "credential": turn_word(self._secret, name)}
        return (*self._fixed, own)
