"""Which language the technician reads: `--language`, else VITRINE_LANGUAGE, else the locale; English otherwise."""

import os
import re
import sys
from inspect import cleandoc

LANGUAGES = ("en", "zh")


def _asked_for() -> str:
    """Look at the words of the command line itself: help texts are made before anything is parsed."""
    words = sys.argv[1:]
    for number, word in enumerate(words):
        if word == "--":
            break
        if word.startswith("--language="):
            return word.partition("=")[2]
        if word == "--language" and number + 1 < len(words):
            return words[number + 1]
    return ""


def _chosen() -> str:
    """Locale variables in the order of setlocale(3)."""
    named = (
        _asked_for(),
        *(os.environ.get(name, "") for name in ("VITRINE_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")),
    )
    first = next((name for name in named if name), "")
    return "zh" if first.lower().startswith("zh") else "en"


LANGUAGE = _chosen()


def say(en: str, zh: str) -> str:
    """Return the words in the technician's language."""
    return zh if LANGUAGE == "zh" else en


def teaching(en: str, zh: str) -> str:
    """Return a help text in the technician's language; Click keeps the lines of its examples behind a backspace."""
    return re.sub(r"\n\n(?=Example|例：)", "\n\n\b\n", cleandoc(say(en, zh)))


def said(text: dict[str, str]) -> str:
    """Return what the daemon says in both languages in the technician's; the other one if there is only that."""
    return text.get(LANGUAGE) or text.get("en") or text.get("zh") or ""
