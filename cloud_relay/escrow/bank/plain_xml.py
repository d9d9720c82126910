"""XML from outside, read into plain elements: a document type, and with it every entity of its own, is refused."""

from dataclasses import dataclass, field
from xml.parsers import expat

ELEMENTS_MAX = 500_000
"""Each costs some 300 bytes of memory. A statement as large as an upload may be (12 MiB) has about 400 000."""
DEPTH_MAX = 64
"""camt.053 nests about fifteen deep; more is no statement."""


class BadXmlError(ValueError):
    """XML that is broken or not safe to read."""


@dataclass(slots=True)
class Element:
    """An element without its namespace; `texts` are the pieces of its own text."""

    name: str
    attributes: dict[str, str]
    texts: list[str] = field(default_factory=list)
    parts: list["Element"] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The element's own text, whole."""
        return "".join(self.texts)

    def find_all(self, name: str) -> list["Element"]:
        """Return the children of this name."""
        return [one for one in self.parts if one.name == name]

    def first(self, *path: str) -> "Element | None":
        """Return the first element along a path of names, or None."""
        found: Element | None = self
        for name in path:
            found = next((one for one in found.parts if one.name == name), None) if found else None
        return found

    def text_at(self, *path: str) -> str:
        """Return the text of the first element along a path, stripped; empty when there is none."""
        found = self.first(*path)
        return found.text.strip() if found else ""


class _Reader:
    def __init__(self) -> None:
        self.top = Element("", {})
        self._open, self._count = [self.top], 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > ELEMENTS_MAX or len(self._open) > DEPTH_MAX:
            raise BadXmlError("XML with too many or too deep elements")
        one = Element(name.rpartition(" ")[2], attributes)
        self._open[-1].parts.append(one)
        self._open.append(one)

    def end(self, _name: str) -> None:
        self._open.pop()

    def text(self, text: str) -> None:
        self._open[-1].texts.append(text)


def _refuse(*_args: object) -> None:
    raise BadXmlError("XML with a document type is not read; export it without one")


def parse_xml(content: bytes) -> Element:
    """Return a root whose only child is the document's element; BadXmlError for what is broken or has a DOCTYPE.

    Entities can be declared only in a DOCTYPE, so refusing it refuses entity bombs and files read from elsewhere.
    """
    reader, parser = _Reader(), expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.buffer_text = True
    try:
        parser.Parse(content, True)  # expat takes `isfinal` by position only
    except expat.ExpatError as error:
        raise BadXmlError(f"broken XML ({error})") from None
    return reader.top.parts[0]
