"""What a person reads, in both languages. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What a person reads, in both languages; `en` or `zh` may be empty, never both."""

    en: str = ""
    zh: str = ""

    def __getitem__(self, language: str) -> str:
        return (self.zh or self.en) if language.startswith("zh") else (self.en or self.zh)
